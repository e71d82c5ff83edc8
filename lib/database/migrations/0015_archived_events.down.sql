revoke all on archive.events from publisher, read_models, customer_erasure;
revoke usage on schema archive from publisher, read_models, customer_erasure;
drop index archive.archived_events_in_sequence;
drop function archive.move_events(timestamptz, integer);
