-- What reads the feed, publishes and erases has to do with archived events too.
create index archived_events_in_sequence on archive.events (aggregate_id, sequence);

grant usage on schema archive to publisher, read_models, customer_erasure;
grant select on archive.events to publisher, read_models;
grant select (aggregate_id, type, data), update (data) on archive.events to customer_erasure;
