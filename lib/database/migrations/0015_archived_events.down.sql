revoke usage on schema archive from events_api, publisher, read_models, customer_erasure;
revoke all on outbox.events from jobs;
revoke usage on schema outbox from jobs;
drop function archive.move_events(timestamptz, integer);
drop table archive.events;
