create schema payments;

create table payments.payments (
  id kernel.payment_id primary key,
  order_id kernel.order_id not null unique references orders.orders (id),
  provider text not null,
  reference text not null,
  status text not null check (status = any ('{authorized,captured,voided,refunded}')),
  currency kernel.currency not null,
  -- Amounts are in minor units of the currency.
  amount bigint not null check (amount >= 0),
  -- Sum of the partial refunds that are requested or given. A request claims its amount, so that two at once cannot
  -- refund more than was paid.
  refund_claimed bigint not null default 0,
  -- Sum of the partial refunds that are given. A payment with the status refunded is given back whole, whatever was
  -- refunded in parts before.
  refunded_amount bigint not null default 0,
  -- What of it was given up before the capture, because units were cancelled: the provider never takes it.
  released_amount bigint not null default 0,
  -- Null when the payment was captured without being authorized before.
  authorized_at timestamptz,
  -- When the provider drops the authorization unless it was captured before.
  expires_at timestamptz,
  captured_at timestamptz,
  voided_at timestamptz,
  refunded_at timestamptz,
  refund_reference text,
  -- Who asked for the capture: `shipment`, `expiry`, or an application.
  capture_requested_at timestamptz,
  capture_requested_by text,
  capture_correlation_id text collate "C",
  -- Which execution works on the capture, starting at 1. The execution's name is the payment's id and this number.
  capture_attempt integer check (capture_attempt >= 1),
  unique (provider, reference),
  constraint refunds_within_payment check (
    released_amount >= 0 and released_amount <= refunded_amount and refunded_amount <= refund_claimed
    and refund_claimed <= amount
  ),
  constraint refund_has_its_time check ((status = 'refunded') = (refunded_at is not null)),
  constraint capture_has_its_time check ((status = any ('{captured,refunded}')) = (captured_at is not null)),
  constraint void_has_its_time check ((status = 'voided') = (voided_at is not null)),
  constraint authorization_has_its_end check ((authorized_at is null) = (expires_at is null)),
  constraint hold_was_authorized check (status <> all ('{authorized,voided}') or authorized_at is not null),
  constraint capture_request_is_complete check (
    (capture_requested_at is null) = (capture_requested_by is null)
    and (capture_requested_at is null) = (capture_attempt is null)
  )
);
-- A payment that is captured at checkout is in none of these.
create index payments_authorized on payments.payments (expires_at) where status = 'authorized';
create index captures_open on payments.payments (capture_requested_at)
  where status = 'authorized' and capture_requested_at is not null;

-- Partial refunds, which an application requests.
create table payments.refunds (
  id kernel.refund_id primary key,
  payment_id kernel.payment_id not null references payments.payments (id),
  order_id kernel.order_id not null,
  status text not null check (status in ('requested', 'succeeded', 'failed')),
  currency kernel.currency not null,
  amount bigint not null check (amount > 0),
  reason text not null check (length(reason) between 1 and 200),
  requested_by text not null,
  -- What of the amount goes back for units of lines: `productId`, `quantity`, `amount`, `discount`, `tax`; empty for a refund
  -- of an amount that nobody divided. And what goes back for shipping.
  lines jsonb not null default '[]' check (jsonb_typeof(lines) = 'array'),
  shipping_amount bigint not null default 0 check (shipping_amount between 0 and amount),
  -- The return whose goods it pays back.
  return_id kernel.return_id,
  -- The API request that asked for the refund. Its event carries it.
  correlation_id text collate "C",
  -- Which execution works on the refund, starting at 1. The execution's name is the refund's id and this number.
  attempt integer not null default 1 check (attempt >= 1),
  failure_code text,
  reference text,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  constraint failed_refund_says_why check ((status = 'failed') = (failure_code is not null)),
  constraint succeeded_refund_has_reference check ((status = 'succeeded') = (reference is not null))
);
create table payments.idempotency_keys (like customers.idempotency_keys including all);

create index refunds_by_order on payments.refunds (order_id, id desc);
create index refunds_by_payment on payments.refunds (payment_id);
-- A return is paid back once.
create unique index refunds_of_return on payments.refunds (return_id) where return_id is not null and status <> 'failed';
create index refunds_open on payments.refunds (updated_at) where status = 'requested';

create function payments.guard_refund() returns trigger
language plpgsql as $$
begin
  raise exception 'refund % is already %', old.id, old.status
    using errcode = 'integrity_constraint_violation', constraint = 'refund_settled_once';
end
$$;
create trigger guard_refund before update on payments.refunds
  for each row when (old.status <> 'requested') execute function payments.guard_refund();

-- The payment action ends with the status it belongs to, so no later step has to know of it.
create function orders.forget_payment_action() returns trigger
language plpgsql as $$
begin
  new.payment_action := null;
  return new;
end
$$;
create trigger forget_payment_action before update of status on orders.orders
  for each row when (old.status = 'pending_payment' and new.status <> 'pending_payment')
  execute function orders.forget_payment_action();

-- What a refund reads of its order.
create view payments.refundable_orders as
  select id as order_id, status, currency,
    shipping_amount + case when tax_included then 0 else shipping_tax end as paid_for_shipping
  from orders.orders;
create view payments.refundable_lines as
  select l.order_id, l.position, l.product_id, l.quantity, l.total, l.discount, l.tax,
    l.total - l.discount + case when o.tax_included then 0 else l.tax end as paid, l.shipped, l.cancelled
  from orders.lines l join orders.orders o on o.id = l.order_id;

-- No line and no shipping gives back more than was paid for it, whatever the code adds up, and no unit that can still be packed. Who requests a refund holds the
-- payment's lock, so it sees every other refund of the order.
create function payments.guard_refund_lines() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  if exists (
    select from payments.refundable_lines l,
    lateral (
      select sum(n.quantity) as quantity, sum(n.amount) as amount
      from payments.refunds r, jsonb_to_recordset(r.lines) as n ("productId" text, quantity integer, amount bigint)
      where r.order_id = l.order_id and r.status <> 'failed' and n."productId" = l.product_id
    ) given
    where l.order_id = new.order_id and (given.quantity > l.shipped + l.cancelled or given.amount > l.paid)
  ) or (select sum(r.shipping_amount) from payments.refunds r where r.order_id = new.order_id and r.status <> 'failed')
    > (select o.paid_for_shipping from payments.refundable_orders o where o.order_id = new.order_id)
  then
    raise exception 'refund % gives back more than was paid for a line', new.id
      using errcode = 'integrity_constraint_violation', constraint = 'refund_within_lines';
  end if;
  return null;
end
$$;
create trigger guard_refund_lines after insert on payments.refunds
  for each row when (new.lines <> '[]' or new.shipping_amount > 0) execute function payments.guard_refund_lines();

-- An order with its lines and its payment. It needs both schemas, so it stands here.
create view orders.order_details as
  select
    o.id, o.customer_id, o.status, o.version, o.currency, o.subtotal, o.discount_amount, o.discount_reason, o.total,
    o.coupon_code, o.shipping_method, o.shipping_amount, o.shipping_tax, o.shipping_tax_rate, o.tax_amount, o.tax_included,
    o.reverse_charge, o.payment_method, o.payment_action, o.failure_code, o.failure_detail, o.confirmed_at, o.abandoned_at,
    o.created_at, o.updated_at, o.fulfilment_status,
    o.number, o.shipping_address, o.billing_address, o.contact, o.note, o.metadata, o.placed_by,
    p.id as payment_id,
    p.status as payment_status,
    p.provider as payment_provider,
    p.reference as payment_reference,
    case p.status when 'refunded' then p.amount else p.refunded_amount end as payment_refunded,
    (
      select jsonb_agg(
        jsonb_build_object(
          'productId', l.product_id, 'sku', l.sku, 'name', l.name,
          'quantity', l.quantity, 'unitPrice', l.unit_price, 'total', l.total,
          'discount', l.discount, 'tax', l.tax, 'taxRate', l.tax_rate, 'taxClass', l.tax_class, 'weight', l.weight,
          'fulfilled', l.fulfilled, 'shipped', l.shipped, 'delivered', l.delivered, 'returned', l.returned,
          'cancelled', l.cancelled
        ) order by l.position
      )
      from orders.lines l
      where l.order_id = o.id
    ) as lines
  from orders.orders o
  left join payments.payments p on p.order_id = o.id;

grant usage on schema payments to refunds_api, saga, manual_review, jobs;
grant select, insert, update on payments.idempotency_keys to refunds_api;
grant select (expires_at), delete on payments.idempotency_keys to jobs;
grant select on orders.order_details to orders_api, saga, manual_review;
grant select on payments.refundable_orders to refunds_api, saga;
grant select on payments.refundable_lines to refunds_api;

grant select on payments.payments to refunds_api, saga, manual_review;
grant update (refund_claimed) on payments.payments to refunds_api;
grant update (capture_requested_at, capture_requested_by, capture_correlation_id, capture_attempt)
  on payments.payments to refunds_api, saga, manual_review;
grant select, insert on payments.refunds to refunds_api;

grant insert on payments.payments to saga;
grant update (status, voided_at, refunded_at, refund_reference) on payments.payments to saga, manual_review;
grant update (captured_at, refund_claimed, refunded_amount) on payments.payments to saga;
grant select on payments.refunds to saga, manual_review;
grant update (status, attempt, failure_code, reference, updated_at) on payments.refunds to saga;
