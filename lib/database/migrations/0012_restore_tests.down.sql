drop table monitor.restore_tests;
