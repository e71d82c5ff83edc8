-- Three rooms, each with a schema and a login role of its own. A role sees nothing of the others' tables; all may add to the
-- outbox, in the statement that changes their own.
create role room_orders login;
create role room_payments login;
create role room_stock login;
create role room_publisher login;
grant rds_iam to room_orders, room_payments, room_stock, room_publisher;

create schema outbox;
create table outbox.events (
  id text primary key,
  type text not null,
  order_id text not null,
  -- Of the room that writes it: nobody can number the events of an order as a whole.
  sequence integer not null,
  data jsonb not null,
  occurred_at timestamptz not null,
  published_at timestamptz,
  -- A change is announced once, however often its cause arrives.
  unique (order_id, type)
);
create index events_unpublished on outbox.events (id) where published_at is null;
grant usage on schema outbox to room_orders, room_payments, room_stock, room_publisher;
grant insert on outbox.events to room_orders, room_payments, room_stock;
grant select, update (published_at) on outbox.events to room_publisher;

create schema orders;
create table orders.orders (
  id text primary key,
  product_id text not null,
  quantity integer not null check (quantity > 0),
  amount integer not null check (amount >= 0),
  currency text not null,
  payment_method text not null,
  -- What the other rooms have said. Each only moves to the right, so that the order in which they speak does not matter.
  payment text not null default 'none' check (payment in ('none', 'captured', 'refunded', 'failed')),
  stock text not null default 'none' check (stock in ('none', 'reserved', 'released', 'refused')),
  status text not null generated always as (
    case
      when payment = 'captured' and stock = 'reserved' then 'confirmed'
      when payment in ('refunded', 'failed') and stock in ('released', 'refused') then 'failed'
      else 'pending'
    end
  ) stored,
  version integer not null default 1,
  placed_at timestamptz not null
);
create index orders_pending on orders.orders (placed_at) where status = 'pending';
grant usage on schema orders to room_orders;
grant select, insert, update (payment, stock, version) on orders.orders to room_orders;

create schema payments;
create table payments.payments (
  order_id text primary key,
  state text not null check (state in ('captured', 'failed', 'refunded')),
  version integer not null default 1
);
grant usage on schema payments to room_payments;
grant select, insert, update (state, version) on payments.payments to room_payments;

create schema stock;
create table stock.levels (product_id text primary key, available integer not null check (available >= 0));
create table stock.reservations (
  order_id text primary key,
  -- Null where the payment failed before the order was heard of.
  product_id text,
  quantity integer not null default 0,
  state text not null check (state in ('reserved', 'refused', 'released', 'committed')),
  version integer not null default 1
);
grant usage on schema stock to room_stock;
grant select, update (available) on stock.levels to room_stock;
grant select, insert, update (state, version) on stock.reservations to room_stock;
