-- Manual review: why each is there, what a person did about it, and the way on from there.
do $$
begin
  if not exists (select from pg_catalog.pg_roles where rolname = 'operations') then
    create role operations login;
  end if;
  grant rds_iam to operations;
  alter role operations set search_path = '';
  alter role operations set statement_timeout = '5s';
  alter role operations set lock_timeout = '4s';
  alter role operations set idle_in_transaction_session_timeout = '10s';
  execute format('grant connect on database %I to operations', current_database());
end
$$;

-- Counts how often a person had the compensation of this order run again; 0 for the saga's own.
alter table orders.orders add column compensation_attempts integer not null default 0;

insert into orders.status_transitions values
  ('needs_attention', 'pending'), ('needs_attention', 'reserved'),
  ('needs_attention', 'cancelling'), ('needs_attention', 'failed'), ('needs_attention', 'cancelled');

-- The oldest in a status first, as manual review lists them.
create index if not exists orders_by_status on orders.orders (status, updated_at, id);

-- One row for each time that an order was put into manual review.
create table orders.manual_reviews (
  order_id kernel.order_id not null references orders.orders (id),
  attempt integer not null check (attempt >= 0),
  opened_at timestamptz not null,
  from_status text collate "C" not null,
  reason text not null,
  -- The steps of the compensation that did not get through; empty when the saga ended without a compensation.
  steps jsonb not null check (jsonb_typeof(steps) = 'array'),
  error text not null,
  message text not null check (length(message) <= 1000),
  -- Most that the provider may keep, in minor units; certain when it is known to be exactly that.
  money_at_stake bigint not null check (money_at_stake >= 0),
  money_certain boolean not null,
  stock_at_stake jsonb not null check (jsonb_typeof(stock_at_stake) = 'array'),
  execution text not null,
  settled_at timestamptz,
  settled_how text check (settled_how in ('retried', 'resolved')),
  primary key (order_id, attempt),
  constraint settled_somehow check ((settled_at is null) = (settled_how is null))
);
create unique index manual_reviews_open on orders.manual_reviews (order_id) where settled_at is null;

create domain kernel.action_id as text collate "C" check (value ~ '^act_[0-9a-f]{32}$');
grant usage on schema kernel, orders, stock, payments, outbox to operations;

-- Who looked at an order or did something about it. Rows are added and never changed.
create table orders.operator_actions (
  id kernel.action_id primary key,
  order_id kernel.order_id not null references orders.orders (id),
  at timestamptz not null,
  key_id text collate "C" not null,
  action text not null check (action in ('read', 'retry', 'resolve')),
  outcome text check (outcome in ('failed', 'cancelled')),
  note text check (length(note) <= 2000),
  refund_reference text check (length(refund_reference) <= 200),
  request_id text collate "C" not null,
  constraint resolution_says_how check ((action = 'resolve') = (outcome is not null and note is not null))
);
create index operator_actions_by_order on orders.operator_actions (order_id, id);

-- An order may be put into manual review more than once, and each time is an event of its own.
alter table outbox.events add column occurrence integer not null default 1;
create unique index if not exists events_once_each on outbox.events (subject, type, occurrence);
drop index outbox.events_once;

grant select on orders.order_details, orders.timeline, orders.manual_reviews, orders.operator_actions to operations;
grant select, insert, update on orders.idempotency_keys to operations;
grant select on orders.orders to operations;
grant update (status, version, updated_at, abandoned_at, failure_code, failure_detail, compensation_attempts)
  on orders.orders to operations;
grant insert on orders.timeline, orders.operator_actions to operations;
grant update (settled_at, settled_how) on orders.manual_reviews to operations;
grant select on stock.reservations, stock.movements, stock.wanted to operations;
grant update (state) on stock.reservations to operations;
grant insert on stock.movements to operations;
grant select on payments.payments, payments.refunds to operations;
grant update (status, refunded_at, refund_reference) on payments.payments to operations;
grant select (id, type, subject, occurrence, occurred_at, published_at), insert on outbox.events to operations;

grant insert on orders.manual_reviews to saga;
