create schema orders;

-- The same table as in lib/shop/orders/transitions.ts; a test compares both.
create table orders.status_transitions (
  from_status text collate "C" not null,
  to_status text collate "C" not null,
  primary key (from_status, to_status)
);
insert into orders.status_transitions (from_status, to_status) values
  ('pending', 'reserved'), ('pending', 'failed'), ('pending', 'cancelling'), ('pending', 'needs_attention'),
  ('reserved', 'confirmed'), ('reserved', 'pending_payment'), ('reserved', 'failed'), ('reserved', 'cancelling'),
  ('reserved', 'needs_attention'),
  ('pending_payment', 'confirmed'), ('pending_payment', 'failed'), ('pending_payment', 'cancelling'),
  ('pending_payment', 'needs_attention'),
  ('confirmed', 'cancelling'), ('confirmed', 'needs_attention'),
  ('cancelling', 'cancelled'), ('cancelling', 'needs_attention'),
  ('needs_attention', 'pending'), ('needs_attention', 'reserved'), ('needs_attention', 'confirmed'),
  ('needs_attention', 'cancelling'), ('needs_attention', 'failed'), ('needs_attention', 'cancelled');

-- A function names the sequence, which pins a connection of RDS Proxy.
create sequence orders.order_numbers start 10001;
create function orders.next_number(prefix text) returns text
language sql volatile
return prefix || '-' || nextval('orders.order_numbers');

create table orders.orders (
  id kernel.order_id primary key,
  number text collate "C" not null unique default orders.next_number('CF'),
  -- Null for a guest, who has a token.
  customer_id kernel.customer_id references customers.customers (id),
  guest_token text,
  placed_by text collate "C",
  -- For reports, as of its placing.
  application_id text collate "C",
  segment text check (segment = any ('{premium,standard,guest}')),
  status text collate "C" not null,
  version integer not null default 1 check (version >= 1),
  currency kernel.currency not null,
  -- Amounts are in minor units of the currency.
  subtotal bigint not null check (subtotal >= 0),
  discount_amount bigint not null,
  discount_reason text,
  coupon_code text collate "C",
  shipping_method text collate "C",
  shipping_amount bigint not null default 0 check (shipping_amount >= 0),
  shipping_tax bigint not null default 0 check (shipping_tax >= 0),
  -- Of the shipping, in millionths; null without tax.
  shipping_tax_rate integer check (shipping_tax_rate between 0 and 1000000),
  tax_amount bigint not null default 0,
  -- Whether the prices include the tax; null when the order was placed without tax.
  tax_included boolean,
  -- Whether the buyer owes the tax instead of the shop.
  reverse_charge boolean not null default false,
  total bigint not null,
  payment_method text not null,
  -- When its payment is captured; null: at checkout. It is fixed when the order is placed.
  capture_at text check (capture_at = 'shipment'),
  -- What the customer said, until they are erased.
  shipping_address jsonb check (jsonb_typeof(shipping_address) = 'object'),
  billing_address jsonb check (jsonb_typeof(billing_address) = 'object'),
  contact jsonb check (jsonb_typeof(contact) = 'object'),
  note text,
  metadata jsonb check (jsonb_typeof(metadata) = 'object'),
  -- What the customer's client needs to act on the payment, while the order waits for that.
  payment_action jsonb,
  failure_code text,
  failure_detail text,
  confirmed_at timestamptz,
  -- How much has shipped.
  fulfilment_status text collate "C" not null default 'unfulfilled',
  -- Set by the first step of a compensation. From then on no step takes the order forward, however late it arrives.
  abandoned_at timestamptz,
  -- Counts how often the compensation was run again; 0 while only the saga itself has run it.
  compensation_attempts integer not null default 0,
  -- Counts how often a person had a failed capture of its payment made again; null: never.
  capture_retries integer check (capture_retries >= 1),
  -- The API request that the order's saga works for. Its events carry it.
  correlation_id text collate "C",
  created_at timestamptz not null,
  updated_at timestamptz not null,
  constraint order_status_known check (
    status = any ('{pending,reserved,pending_payment,confirmed,failed,cancelling,cancelled,needs_attention}')
  ),
  constraint discount_within_subtotal check (discount_amount between 0 and subtotal),
  constraint discount_has_its_reason check ((discount_reason is null) = (discount_amount = 0)),
  constraint shipping_has_its_method check (shipping_method is not null or (shipping_amount, shipping_tax) = (0, 0)),
  constraint tax_has_its_kind check (tax_included is not null or (tax_amount = 0 and not reverse_charge)),
  constraint reverse_charge_without_tax check (not reverse_charge or tax_amount = 0),
  constraint tax_of_shipping_within_tax check (tax_amount >= shipping_tax),
  constraint order_totals_add_up check (
    total = subtotal - discount_amount + shipping_amount + case when tax_included then 0 else tax_amount end
  ),
  constraint payment_action_while_pending check ((payment_action is not null) = (status = 'pending_payment')),
  constraint failure_has_code_and_detail check ((failure_code is null) = (failure_detail is null)),
  constraint failed_order_says_why check (status <> all ('{failed,needs_attention}') or failure_code is not null),
  constraint confirmed_order_is_complete check (
    status <> 'confirmed' or (confirmed_at is not null and abandoned_at is null and failure_code is null)
  )
);
create index orders_by_customer on orders.orders (customer_id, id desc);
create index orders_by_customer_status on orders.orders (customer_id, status, id desc);
create index orders_by_status on orders.orders (status, updated_at, id);
create index orders_unended on orders.orders (updated_at) where status in ('pending', 'reserved', 'cancelling');
create index orders_awaiting_payment on orders.orders (updated_at) where status = 'pending_payment';
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
  -- The line's shares of the order's discount and tax.
  discount bigint not null default 0,
  tax bigint not null default 0 check (tax >= 0),
  -- In millionths; null without tax.
  tax_rate integer check (tax_rate between 0 and 1000000),
  tax_class text,
  -- Of one unit, in grams; null where the catalogue does not know it.
  weight integer check (weight >= 0),
  -- Units in parcels, shipped, delivered, in returns, and cancelled.
  fulfilled integer not null default 0,
  shipped integer not null default 0,
  delivered integer not null default 0,
  returned integer not null default 0,
  cancelled integer not null default 0,
  -- For reports, as they were when the line was sold: a cost in the order's currency, or null.
  unit_cost bigint check (unit_cost >= 0),
  category_id kernel.category_id,
  brand text,
  primary key (order_id, position),
  -- As the orders of a product are found.
  unique (product_id, order_id),
  constraint line_total_adds_up check (total = unit_price * quantity),
  constraint shares_within_line check (discount between 0 and total)
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

-- One row for each time that an order was put into manual review.
create table orders.manual_reviews (
  order_id kernel.order_id not null references orders.orders (id),
  -- Counts the order's reviews from 0: the saga's own compensation first, then one for each that was run again, and one
  -- for each capture that failed.
  attempt integer not null check (attempt >= 0),
  opened_at timestamptz not null,
  from_status text collate "C" not null,
  reason text not null,
  -- The steps of the compensation that failed; empty when the saga ended without a compensation.
  steps jsonb not null check (jsonb_typeof(steps) = 'array'),
  error text not null,
  message text not null check (length(message) <= 1000),
  -- The most that the provider may keep, in minor units; certain when it is known to be exactly that.
  money_at_stake bigint not null check (money_at_stake >= 0),
  money_certain boolean not null,
  stock_at_stake jsonb not null check (jsonb_typeof(stock_at_stake) = 'array'),
  execution text not null,
  settled_at timestamptz,
  settled_how text check (settled_how in ('retried', 'resolved')),
  primary key (order_id, attempt),
  constraint settlement_is_complete check ((settled_at is null) = (settled_how is null))
);
create unique index manual_reviews_open on orders.manual_reviews (order_id) where settled_at is null;

create table orders.idempotency_keys (like customers.idempotency_keys including all);
-- Those of operators, whose answers are not for customers, nor the other way round.
create table orders.review_idempotency_keys (like customers.idempotency_keys including all);

create function orders.guard_first_status() returns trigger
language plpgsql as $$
begin
  -- The archive gives orders back as they were. Nobody but its owner, whose function that is, inserts them.
  if (select relowner from pg_catalog.pg_class where oid = tg_relid) = current_user::text::regrole
    and exists (select from archive.order_keys where id = new.id)
  then
    return new;
  end if;
  raise exception 'order % must begin pending, not %', new.id, new.status
    using errcode = 'integrity_constraint_violation', constraint = 'order_begins_pending';
end
$$;
-- Out of stock: nothing was reserved, nothing charged.
create trigger guard_first_status before insert on orders.orders for each row
  when (new.status <> 'pending' and (new.status, new.failure_code) is distinct from ('failed', 'out-of-stock'))
  execute function orders.guard_first_status();

create function orders.guard_transition() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  if not exists (
    select from orders.status_transitions where from_status = old.status and to_status = new.status
  ) then
    raise exception 'order % cannot go from % to %', new.id, old.status, new.status
      using errcode = 'integrity_constraint_violation', constraint = 'order_transition';
  end if;
  return new;
end
$$;
create trigger guard_transition before update of status on orders.orders
  for each row when (old.status is distinct from new.status) execute function orders.guard_transition();

-- Invariants 2 and 3: what an order must look like when the transaction that ends it commits.
create function orders.guard_outcome() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  if new.status = 'confirmed' then
    if not exists (
      select from payments.payments p
      where p.order_id = new.id and p.status in ('authorized', 'captured') and p.amount = new.total and p.currency = new.currency
    ) then
      raise exception 'confirmed order % has no payment of its total', new.id
        using errcode = 'integrity_constraint_violation', constraint = 'confirmed_order_is_paid';
    end if;
    if exists (
      select from orders.lines l
      left join stock.reservations r on r.order_id = l.order_id and r.product_id = l.product_id
      where l.order_id = new.id and l.cancelled < l.quantity
        and (r.state, r.quantity) is distinct from ('committed', l.quantity - l.cancelled)
    ) then
      raise exception 'confirmed order % has stock that is not committed', new.id
        using errcode = 'integrity_constraint_violation', constraint = 'confirmed_order_has_stock';
    end if;
  else
    if exists (select from payments.payments p where p.order_id = new.id and p.status in ('authorized', 'captured')) then
      raise exception 'order % cannot end % with its payment kept', new.id, new.status
        using errcode = 'integrity_constraint_violation', constraint = 'compensated_order_is_refunded';
    end if;
    if exists (select from stock.reservations r where r.order_id = new.id and r.state in ('held', 'committed')) then
      raise exception 'order % cannot end % with its stock kept', new.id, new.status
        using errcode = 'integrity_constraint_violation', constraint = 'compensated_order_gave_stock_back';
    end if;
  end if;
  return null;
end
$$;
create constraint trigger guard_outcome after update of status on orders.orders
  deferrable initially deferred
  for each row when (new.status in ('confirmed', 'failed', 'cancelled')) execute function orders.guard_outcome();

-- An order's subtotal, discount and tax are the sums of its lines when the transaction commits, for new orders and for added
-- lines. The tax of the shipping belongs to no line.
create function orders.guard_lines() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
  checked text;
begin
  if tg_table_name = 'orders' then checked := new.id; else checked := new.order_id; end if;
  if (select (o.subtotal, o.discount_amount, o.tax_amount - o.shipping_tax) from orders.orders o where o.id = checked)
    is distinct from
    (select (sum(l.total)::bigint, sum(l.discount)::bigint, sum(l.tax)::bigint) from orders.lines l where l.order_id = checked)
  then
    raise exception 'order % is not the sum of its lines', checked
      using errcode = 'integrity_constraint_violation', constraint = 'order_adds_up';
  end if;
  return null;
end
$$;
create constraint trigger guard_lines after insert on orders.orders
  deferrable initially deferred
  for each row execute function orders.guard_lines();
create constraint trigger guard_added_lines after insert on orders.lines
  deferrable initially deferred
  for each row execute function orders.guard_lines();

-- What pricing reads of other schemas.
create view orders.priceable_products as
  select id, sku, name, price_amount, price_currency, tax_class, weight, options is not null as has_options
  from catalog.products product
  where active and (
    parent_id is null or exists (select from catalog.products parent where parent.id = product.parent_id and parent.active)
  );
-- What a line keeps of its product besides.
create view orders.sold_products as
  select id, category_id, brand, cost_amount, cost_currency from catalog.products;
create view orders.priceable_customers as
  select id, premium, verified_vat_number from customers.customers where erased_at is null and suspended_at is null;

-- The products and quantities of an order, without prices.
create view stock.wanted as
  select order_id, product_id, sku, quantity from orders.lines;

grant usage on schema orders to orders_api, refunds_api, saga, manual_review, jobs;

grant select on orders.priceable_products, orders.sold_products, orders.priceable_customers to orders_api;
grant select, insert, update (version, correlation_id, updated_at) on orders.orders to orders_api;
grant usage on sequence orders.order_numbers to orders_api;
grant insert, select (order_id, quantity) on orders.lines to orders_api;
grant select, insert on orders.timeline to orders_api, manual_review;
grant select, insert, update on orders.idempotency_keys to orders_api;
grant select, insert, update on orders.review_idempotency_keys to manual_review;

grant select on orders.orders, stock.wanted to saga, manual_review;
grant update (status, version, updated_at, abandoned_at, failure_code, failure_detail, compensation_attempts)
  on orders.orders to saga, manual_review;
grant update (capture_retries, correlation_id) on orders.orders to manual_review;
grant update (confirmed_at, payment_action) on orders.orders to saga;
grant insert on orders.timeline to saga;
grant select (order_id, attempt, opened_at, from_status, steps, settled_at), insert on orders.manual_reviews to saga;
grant select on orders.manual_reviews to manual_review;
grant update (settled_at, settled_how) on orders.manual_reviews to saga, manual_review;

grant select (expires_at), delete on orders.idempotency_keys, orders.review_idempotency_keys to jobs;
