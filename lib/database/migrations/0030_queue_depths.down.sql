drop function monitor.read_queues();
