-- Giving back part of what an order was paid with, asked for by an application.
do $$
begin
  if not exists (select from pg_catalog.pg_roles where rolname = 'refunds_api') then
    create role refunds_api login;
  end if;
  execute format('grant connect on database %I to refunds_api', current_database());
end
$$;
grant rds_iam to refunds_api;
alter role refunds_api set search_path = '';
alter role refunds_api set statement_timeout = '5s';
alter role refunds_api set lock_timeout = '4s';
alter role refunds_api set idle_in_transaction_session_timeout = '10s';

create domain kernel.refund_id as text collate "C" check (value ~ '^rfd_[0-9a-f]{32}$');

-- Claimed when a refund is asked for, so that two at once cannot ask for more than there is; refunded when it was given.
-- A payment that is `refunded` kept nothing, whatever was given back in parts before.
alter table payments.payments
  add column refund_claimed bigint not null default 0,
  add column refunded_amount bigint not null default 0,
  add constraint refunds_within_payment check (
    refunded_amount >= 0 and refunded_amount <= refund_claimed and refund_claimed <= amount
  ) not valid;

create table payments.refunds (
  id kernel.refund_id primary key,
  payment_id kernel.payment_id not null references payments.payments (id),
  order_id kernel.order_id not null,
  status text not null check (status in ('requested', 'succeeded', 'failed')),
  amount bigint not null check (amount > 0),
  currency kernel.currency not null,
  reason text not null check (length(reason) between 1 and 200),
  requested_by text not null,
  -- Number of the execution that sees to it: its name is the refund's id and this.
  attempt integer not null default 1 check (attempt >= 1),
  failure_code text,
  reference text,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  constraint failed_refund_says_why check ((status = 'failed') = (failure_code is not null)),
  constraint refund_given_has_reference check ((status = 'succeeded') = (reference is not null))
);
create index refunds_by_order on payments.refunds (order_id, id desc);
create index refunds_open on payments.refunds (updated_at) where status = 'requested';

create function payments.guard_refund() returns trigger
language plpgsql as $$
begin
  raise exception 'refund % was % and stays so', old.id, old.status
    using errcode = 'integrity_constraint_violation', constraint = 'refund_settled_once';
end
$$;
create trigger guard_refund before update on payments.refunds
  for each row when (old.status <> 'requested') execute function payments.guard_refund();

create or replace view orders.order_details as
  select
    o.id, o.customer_id, o.status, o.currency, o.subtotal, o.discount_amount, o.discount_reason, o.total,
    o.payment_method, o.failure_code, o.failure_detail, o.abandoned_at, o.confirmed_at, o.version, o.created_at,
    o.updated_at,
    p.id as payment_id,
    p.status as payment_status,
    p.provider as payment_provider,
    p.reference as payment_reference,
    (
      select jsonb_agg(
        jsonb_build_object(
          'productId', l.product_id, 'sku', l.sku, 'name', l.name,
          'quantity', l.quantity, 'unitPrice', l.unit_price, 'total', l.total
        ) order by l.position
      )
      from orders.lines l
      where l.order_id = o.id
    ) as lines,
    o.payment_action,
    case p.status when 'refunded' then p.amount else p.refunded_amount end as payment_refunded
  from orders.orders o
  left join payments.payments p on p.order_id = o.id;

-- What a refund has to know of its order.
create view payments.refundable_orders as
  select id as order_id, status, total, currency, payment_method from orders.orders;

grant usage on schema kernel, payments, orders to refunds_api;
grant select on payments.refundable_orders to refunds_api;
grant select, insert on payments.refunds to refunds_api;
grant select, update (refund_claimed) on payments.payments to refunds_api;
grant select, insert, update on orders.idempotency_keys to refunds_api;

grant select, update (status, attempt, failure_code, reference, updated_at) on payments.refunds to saga;
grant update (refund_claimed, refunded_amount) on payments.payments to saga;
grant select on payments.refundable_orders to saga;
