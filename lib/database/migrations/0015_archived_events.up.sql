-- Events of the past, by their places in the feed. They never change.
create table archive.events (
  position bigint primary key,
  id kernel.event_id not null unique,
  type text not null,
  schema_version smallint not null,
  subject text collate "C" not null,
  aggregate_id text collate "C" not null,
  sequence integer not null,
  occurrence integer not null,
  correlation_id text collate "C",
  data jsonb not null,
  occurred_at timestamptz not null,
  published_at timestamptz not null
);
create index archived_events_by_type on archive.events (type, position);
create index archived_events_by_subject on archive.events (subject, id);
-- For who follows what one thing did.
create index archived_events_in_sequence on archive.events (aggregate_id, sequence);

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
-- Events get their places in the feed before they leave the outbox.
grant usage on schema outbox to jobs;
grant select (id, aggregate_id, sequence, position, occurred_at), update (position) on outbox.events to jobs;
grant usage on schema archive to events_api, publisher, read_models, customer_erasure;
grant select on archive.events to publisher, read_models;
grant select (aggregate_id, type, data), update (data) on archive.events to customer_erasure;
grant select on archive.events to events_api;
grant select (id, type, subject, occurred_at, published_at) on archive.events to manual_review;
