-- Moves up to `most` published events from the outbox to the archive, the first in the feed first. The last one stays: the
-- next place in the feed follows from it.
create function archive.move_events(before timestamptz, most integer) returns integer
language sql security definer set search_path = '' as $$
  with old as (
    select e.id from outbox.events e
    where e.position < (select max(l.position) from outbox.events l) and e.published_at < before
    order by e.position
    limit most
    for update skip locked
  ),
  moved as (delete from outbox.events e where e.id = any (array(select old.id from old)) returning e.*),
  kept as (
    insert into archive.events (
      position, id, type, schema_version, subject, aggregate_id, sequence, occurrence, correlation_id, data, occurred_at,
      published_at
    )
    select position, id, type, schema_version, subject, aggregate_id, sequence, occurrence, correlation_id, data,
      occurred_at, published_at
    from moved
    returning id
  )
  select count(*)::integer from kept
$$;

revoke all on function archive.move_events(timestamptz, integer) from public;
grant execute on function archive.move_events(timestamptz, integer) to jobs;

-- What reads the feed, publishes and erases has to do with archived events too.
create index archived_events_in_sequence on archive.events (aggregate_id, sequence);

grant usage on schema archive to publisher, read_models, customer_erasure;
grant select on archive.events to publisher, read_models;
grant select (aggregate_id, type, data), update (data) on archive.events to customer_erasure;
