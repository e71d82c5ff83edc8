drop table outbox.events;
drop schema outbox;
