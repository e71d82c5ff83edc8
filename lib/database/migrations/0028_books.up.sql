-- What the daily reconciliation of reports adds up: the shop's own books, by the day on which an order became a sale, and on which
-- money was given back. They read the tables, not the views of reports, so that a mistake in those is found. `first_at` and
-- `last_at` are bounds of what happened to an order, which leave the rest of the archive packed. `paid` is what the order was paid
-- with; the other amounts are as the provider counts, without what was released before the capture.
create view monitor.booked_sales as
  select o.id as order_id, o.status, o.total, o.currency, o.confirmed_at,
    greatest(o.updated_at, (select max(r.updated_at) from payments.refunds r where r.order_id = o.id)) as changed_at,
    p.id as payment_id, p.provider as payment_provider, p.reference as payment_reference, p.status as payment_status,
    p.amount - case p.status when 'authorized' then 0 else p.released_amount end as payment_amount,
    p.currency as payment_currency,
    case p.status when 'refunded' then p.amount else p.refunded_amount end - p.released_amount as payment_refunded, p.amount as paid,
    p.status = 'captured' and p.refund_claimed > p.refunded_amount
      or p.status = 'authorized' and p.capture_requested_at is not null as refund_open,
    o.created_at as first_at, o.updated_at as last_at
  from orders.orders o left join payments.payments p on p.order_id = o.id
  where o.confirmed_at is not null
  union all
  select o.id, o.status, o.total, o.currency, o.confirmed_at, p.last_at, y.id, y.provider, y.reference, y.status,
    y.amount - coalesce(y.released_amount, 0), y.currency,
    case y.status when 'refunded' then y.amount else y.refunded_amount end - coalesce(y.released_amount, 0), y.amount,
    y.status = 'captured' and y.refund_claimed > y.refunded_amount, p.first_at, p.last_at
  from archive.pages p cross join lateral jsonb_each(p.documents) d
    cross join lateral jsonb_populate_record(null::orders.orders, d.value -> 'order') o
    left join lateral jsonb_populate_recordset(null::payments.payments, d.value -> 'payments') y on true
  where o.confirmed_at is not null;

-- Money that left the shop again. What was authorized and never captured is given back when it is voided.
create view monitor.booked_refunds as
  select r.order_id, r.amount, r.currency, r.updated_at as refunded_at, r.created_at as first_at, r.updated_at as last_at
  from payments.refunds r where r.status = 'succeeded'
  union all
  select y.order_id, y.amount - y.refunded_amount, y.currency, coalesce(y.refunded_at, y.voided_at),
    coalesce(y.refunded_at, y.voided_at), coalesce(y.refunded_at, y.voided_at)
  from payments.payments y where y.status in ('refunded', 'voided')
  union all
  select r.order_id, r.amount, r.currency, r.updated_at, p.first_at, p.last_at
  from archive.pages p, jsonb_each(p.documents) d, jsonb_populate_recordset(null::payments.refunds, d.value -> 'refunds') r
  where r.status = 'succeeded'
  union all
  select y.order_id, y.amount - y.refunded_amount, y.currency, coalesce(y.refunded_at, y.voided_at), p.first_at, p.last_at
  from archive.pages p, jsonb_each(p.documents) d, jsonb_populate_recordset(null::payments.payments, d.value -> 'payments') y
  where y.status in ('refunded', 'voided');

grant select on monitor.booked_sales, monitor.booked_refunds to reconciler;
