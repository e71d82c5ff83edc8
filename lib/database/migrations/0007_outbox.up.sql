create schema outbox;

-- Domain events, each written in the transaction of what it tells of.
create table outbox.events (
  id kernel.event_id primary key,
  type text not null,
  subject text collate "C" not null,
  -- Which event of its type and subject this is, starting at 1: an order may be put into manual review more than once.
  occurrence integer not null default 1,
  data jsonb not null,
  occurred_at timestamptz not null,
  published_at timestamptz
);
create unique index events_once_each on outbox.events (subject, type, occurrence);
create index events_unpublished on outbox.events (id) where published_at is null;

grant usage on schema outbox to orders_api, saga, manual_review;
grant insert on outbox.events to orders_api, saga, manual_review;
grant select (id, type, subject, occurrence, occurred_at, published_at) on outbox.events to manual_review;
