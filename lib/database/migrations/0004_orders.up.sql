create table orders.status_transitions (
  from_status text collate "C" not null,
  to_status text collate "C" not null,
  primary key (from_status, to_status)
);
insert into orders.status_transitions values
  ('pending', 'reserved'), ('pending', 'failed'), ('pending', 'cancelling'), ('pending', 'needs_attention'),
  ('reserved', 'paid'), ('reserved', 'failed'), ('reserved', 'cancelling'), ('reserved', 'needs_attention'),
  ('paid', 'confirmed'), ('paid', 'failed'), ('paid', 'needs_attention'),
  ('confirmed', 'cancelling'),
  ('cancelling', 'cancelled'), ('cancelling', 'needs_attention');

create table orders.orders (
  id kernel.order_id primary key,
  customer_id kernel.customer_id not null references customers.customers (id),
  status text collate "C" not null check (status in
    ('pending', 'reserved', 'paid', 'confirmed', 'failed', 'cancelling', 'cancelled', 'needs_attention')),
  currency kernel.currency not null,
  subtotal bigint not null check (subtotal >= 0),
  discount_amount bigint not null,
  discount_reason text,
  total bigint not null,
  payment_method text not null,
  failure_code text,
  failure_detail text,
  -- Set by the first step of a compensation: from then on no step takes this order forward, however late it arrives.
  abandoned_at timestamptz,
  confirmed_at timestamptz,
  version integer not null default 1 check (version >= 1),
  created_at timestamptz not null,
  updated_at timestamptz not null,
  constraint discount_within_subtotal check (discount_amount between 0 and subtotal),
  constraint discount_has_its_reason check ((discount_reason is null) = (discount_amount = 0)),
  constraint order_totals_add_up check (total = subtotal - discount_amount),
  constraint failure_has_code_and_detail check ((failure_code is null) = (failure_detail is null)),
  constraint failed_order_says_why check (status not in ('failed', 'needs_attention') or failure_code is not null),
  constraint confirmed_order_is_whole check (
    status <> 'confirmed' or (confirmed_at is not null and abandoned_at is null and failure_code is null)
  )
);
create index orders_by_customer on orders.orders (customer_id, id desc);
create index orders_by_customer_status on orders.orders (customer_id, status, id desc);
create index orders_unended on orders.orders (updated_at) where status in ('pending', 'reserved', 'paid', 'cancelling');
create index orders_in_manual_review on orders.orders (updated_at) where status = 'needs_attention';

create table orders.lines (
  order_id kernel.order_id not null references orders.orders (id),
  position smallint not null check (position between 1 and 50),
  product_id kernel.product_id not null,
  sku text not null,
  name text not null,
  quantity integer not null check (quantity between 1 and 999),
  unit_price bigint not null check (unit_price >= 0),
  total bigint not null,
  primary key (order_id, position),
  unique (order_id, product_id),
  constraint line_total_adds_up check (total = unit_price * quantity)
);

create table orders.timeline (
  order_id kernel.order_id not null references orders.orders (id),
  version integer not null,
  entry smallint not null,
  type text not null,
  detail jsonb not null,
  at timestamptz not null,
  primary key (order_id, version, entry)
);

create table orders.idempotency_keys (like customers.idempotency_keys including all);

create table payments.payments (
  id kernel.payment_id primary key,
  order_id kernel.order_id not null unique references orders.orders (id),
  provider text not null,
  reference text not null,
  status text not null check (status in ('captured', 'refunded')),
  amount bigint not null check (amount >= 0),
  currency kernel.currency not null,
  captured_at timestamptz not null,
  refunded_at timestamptz,
  refund_reference text,
  unique (provider, reference),
  constraint refund_has_its_time check ((status = 'refunded') = (refunded_at is not null))
);

create table outbox.events (
  id kernel.event_id primary key,
  type text not null,
  subject text collate "C" not null,
  data jsonb not null,
  occurred_at timestamptz not null,
  published_at timestamptz
);
create index events_unpublished on outbox.events (id) where published_at is null;
create unique index events_once on outbox.events (subject, type);
