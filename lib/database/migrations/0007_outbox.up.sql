create schema outbox;

-- Domain events, each written in the transaction of what it tells of.
create table outbox.events (
  id kernel.event_id primary key,
  type text not null,
  -- The version of the schema that `data` follows: lib/contract/events has the schemas, and a test compares both.
  schema_version smallint not null,
  subject text collate "C" not null,
  -- The order, customer, product, stock, application or report subscription that changed, and its version: the event's place in the sequence of its events.
  aggregate_id text collate "C" not null,
  sequence integer not null check (sequence >= 1),
  -- Which event of its type and subject this is, starting at 1: an order may be put into manual review more than once.
  occurrence integer not null default 1,
  -- The API request that led to the event, if one did.
  correlation_id text collate "C",
  data jsonb not null,
  occurred_at timestamptz not null,
  published_at timestamptz,
  -- The event's place in the feed. It is given after the commit, one reader at a time, so that no event appears behind one
  -- that was read already.
  position bigint unique check (position >= 1),
  -- One literal, not a list: PostgreSQL reads the constraint anew in each statement that writes events, and a list of thirty is
  -- fifteen times as long to read.
  constraint event_type_known check (schema_version = 1 and type = any ('{
    order.placed,order.reserved,order.confirmed,order.failed,order.cancelled,order.in_review,order.updated,
    payment.authorized,payment.captured,payment.voided,payment.refunded,refund.succeeded,refund.failed,order.shipped,
    order.delivered,order.units_cancelled,return.requested,return.received,return.rejected,customer.created,
    customer.updated,customer.erased,product.created,product.updated,stock.low,stock.out,stock.back,
    application.suspended,report.sent
  }'))
);
create unique index events_once_each on outbox.events (subject, type, occurrence);
create unique index events_in_sequence on outbox.events (aggregate_id, sequence);
create index events_without_position on outbox.events (id) where position is null;
create index events_unpublished on outbox.events (id) where published_at is null;

grant usage on schema outbox to application_events, customers_api, catalog_api, orders_api, saga, manual_review, events_api, publisher;
grant select, update (position) on outbox.events to events_api;
grant select, update (published_at) on outbox.events to publisher;
grant insert on outbox.events to application_events, customers_api, catalog_api, orders_api, saga, manual_review;
grant select (id, type, subject, occurrence, occurred_at, published_at) on outbox.events to manual_review;

-- Writes an event when what is available of a product falls to `low_at`, to nothing, or rises from nothing. A trigger does so,
-- because every movement passes the levels, whoever makes it.
create function stock.announce_level() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
  available integer := new.on_hand - new.reserved;
  moment timestamptz := coalesce(new.moved_at, clock_timestamp());
  happened text;
  data jsonb := jsonb_build_object('productId', new.product_id);
begin
  if available = 0 then
    happened := 'stock.out';
  elsif tg_op = 'INSERT' or old.on_hand = old.reserved then
    happened := 'stock.back';
    data := data || jsonb_build_object('available', available);
  else
    happened := 'stock.low';
    data := data || jsonb_build_object('available', available, 'lowStockAt', new.low_at);
  end if;
  if tg_op = 'UPDATE' then
    new.announced := old.announced + 1;
  end if;
  insert into outbox.events (id, type, schema_version, subject, aggregate_id, sequence, occurrence, data, occurred_at)
  values (
    'evt_' || replace(uuidv7(moment - clock_timestamp())::text, '-', ''), happened, 1, new.product_id,
    'stk_' || substr(new.product_id, 5), new.announced, new.announced, data, moment
  );
  return new;
end
$$;
create trigger announce_change before update of on_hand, reserved on stock.levels
  for each row when (
    (new.on_hand = new.reserved) <> (old.on_hand = old.reserved)
    or (new.on_hand - new.reserved <= new.low_at and old.on_hand - old.reserved > new.low_at)
  ) execute function stock.announce_level();
create trigger announce_first after insert on stock.levels
  for each row when (new.on_hand > new.reserved) execute function stock.announce_level();
