create schema payments;

create table payments.payments (
  id kernel.payment_id primary key,
  order_id kernel.order_id not null unique references orders.orders (id),
  provider text not null,
  reference text not null,
  status text not null check (status in ('authorized', 'captured', 'voided', 'refunded')),
  currency kernel.currency not null,
  -- Amounts are in minor units of the currency.
  amount bigint not null check (amount >= 0),
  -- Sum of the partial refunds that are requested or given. A request claims its amount, so that two at once cannot
  -- refund more than was paid.
  refund_claimed bigint not null default 0,
  -- Sum of the partial refunds that are given. A payment with the status refunded is given back whole, whatever was
  -- refunded in parts before.
  refunded_amount bigint not null default 0,
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
    refunded_amount >= 0 and refunded_amount <= refund_claimed and refund_claimed <= amount
  ),
  constraint refund_has_its_time check ((status = 'refunded') = (refunded_at is not null)),
  constraint capture_has_its_time check ((status in ('captured', 'refunded')) = (captured_at is not null)),
  constraint void_has_its_time check ((status = 'voided') = (voided_at is not null)),
  constraint authorization_has_its_end check ((authorized_at is null) = (expires_at is null)),
  constraint hold_was_authorized check (status not in ('authorized', 'voided') or authorized_at is not null),
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

-- What a refund reads of its order.
create view payments.refundable_orders as
  select id as order_id, status, currency from orders.orders;

-- An order with its lines and its payment. It needs both schemas, so it stands here.
create view orders.order_details as
  select
    o.id, o.customer_id, o.status, o.version, o.currency, o.subtotal, o.discount_amount, o.discount_reason, o.total,
    o.coupon_code, o.shipping_method, o.shipping_amount, o.shipping_tax, o.shipping_tax_rate, o.tax_amount, o.tax_included,
    o.reverse_charge, o.payment_method, o.payment_action, o.failure_code, o.failure_detail, o.confirmed_at, o.abandoned_at,
    o.created_at, o.updated_at,
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
          'discount', l.discount, 'tax', l.tax, 'taxRate', l.tax_rate, 'taxClass', l.tax_class, 'weight', l.weight
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
