alter table orders.orders
  add constraint fulfilment_status_known check (
    fulfilment_status = any ('{unfulfilled,partially_fulfilled,fulfilled,delivered}')
  ),
  -- What has shipped is not cancelled, so its stock never goes back to the shelf by a compensation. Its capture may fail.
  add constraint shipped_order_stays check (
    fulfilment_status = 'unfulfilled' or status = any ('{confirmed,needs_attention}')
  );
-- The counters of a line never go beyond what was ordered and shipped, and what is cancelled is in no parcel.
alter table orders.lines
  add constraint fulfilled_as_ordered check (
    0 <= delivered and delivered <= shipped and shipped <= fulfilled and fulfilled <= quantity - cancelled
  ),
  add constraint cancelled_as_ordered check (0 <= cancelled and cancelled <= quantity
  ),
  add constraint returned_as_shipped check (0 <= returned and returned <= shipped);

-- What of an order is packed, on its way or delivered: one row for each parcel.
create table orders.fulfilments (
  id kernel.fulfilment_id primary key,
  order_id kernel.order_id not null references orders.orders (id),
  status text collate "C" not null default 'pending' check (status in ('pending', 'shipped', 'delivered', 'cancelled')),
  -- Products and their units: `productId`, `quantity`. The counters of orders.lines hold them within what was ordered.
  lines jsonb not null check (jsonb_typeof(lines) = 'array'),
  carrier text check (length(carrier) between 1 and 100),
  tracking_number text check (length(tracking_number) between 1 and 100),
  tracking_url text check (length(tracking_url) between 1 and 1000),
  created_by text not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  shipped_at timestamptz,
  delivered_at timestamptz,
  constraint shipped_has_its_time check ((shipped_at is not null) = (status in ('shipped', 'delivered'))),
  constraint delivered_has_its_time check ((delivered_at is not null) = (status = 'delivered'))
);
create index fulfilments_by_order on orders.fulfilments (order_id, id);

-- What customers send back: one row for each request.
create table orders.returns (
  id kernel.return_id primary key,
  order_id kernel.order_id not null references orders.orders (id),
  status text collate "C" not null default 'requested' check (status in ('requested', 'received', 'rejected')),
  -- By product: `productId`, `quantity`, `reason`, and once it is received `restocked` and `writtenOff`.
  lines jsonb not null check (jsonb_typeof(lines) = 'array'),
  requested_by text not null,
  rejection text check (length(rejection) between 1 and 200),
  created_at timestamptz not null,
  updated_at timestamptz not null,
  constraint rejected_return_says_why check ((rejection is not null) = (status = 'rejected'))
);
create index returns_by_order on orders.returns (order_id, id);

-- A parcel goes forward alone, and a return is decided once.
create function orders.guard_progress() returns trigger
language plpgsql as $$
begin
  raise exception '% cannot go from % to %', old.id, old.status, new.status
    using errcode = 'integrity_constraint_violation', constraint = 'goods_go_forward';
end
$$;
create trigger guard_progress before update of status on orders.fulfilments
  for each row when (
    (old.status, new.status) not in (('pending', 'shipped'), ('pending', 'cancelled'), ('shipped', 'delivered'))
  ) execute function orders.guard_progress();
create trigger guard_progress before update of status on orders.returns
  for each row when (old.status <> 'requested') execute function orders.guard_progress();

create table orders.fulfilment_idempotency_keys (like customers.idempotency_keys including all);

create view archive.fulfilments as
  select d.id as order_id, f.id, f.status, f.lines, f.carrier, f.tracking_number, f.tracking_url, f.created_by,
    f.created_at, f.updated_at, f.shipped_at, f.delivered_at
  from archive.documents d, jsonb_populate_recordset(null::orders.fulfilments, d.document -> 'fulfilments') f;
create view archive.returns as
  select d.id as order_id, r.id, r.status, r.lines, r.requested_by, r.rejection, r.created_at, r.updated_at
  from archive.documents d, jsonb_populate_recordset(null::orders.returns, d.document -> 'returns') r;

-- What a refund reads of a return.
create view payments.refundable_returns as
  select id, order_id, status, lines from orders.returns;
grant select on payments.refundable_returns to refunds_api;

-- Invariant 5: the counters of a line are what its parcels and returns add up to, and within what was ordered and shipped; no
-- more is given back for it than was paid, and nothing for a unit that can still be packed.
create view monitor.line_violations as
  select l.order_id
  from (
    select i.order_id, i.product_id, i.quantity, i.fulfilled, i.shipped, i.delivered, i.returned, i.cancelled,
      i.total - i.discount + case when o.tax_included then 0 else i.tax end as paid
    from orders.lines i join orders.orders o on o.id = i.order_id
  ) l,
  lateral (
    select coalesce(sum(n.quantity), 0) as fulfilled,
      coalesce(sum(n.quantity) filter (where f.status in ('shipped', 'delivered')), 0) as shipped,
      coalesce(sum(n.quantity) filter (where f.status = 'delivered'), 0) as delivered
    from orders.fulfilments f, jsonb_to_recordset(f.lines) as n ("productId" text, quantity integer)
    where f.order_id = l.order_id and f.status <> 'cancelled' and n."productId" = l.product_id
  ) f,
  lateral (
    select coalesce(sum(case r.status when 'received' then n.restocked + n."writtenOff" else n.quantity end), 0) as returned
    from orders.returns r,
      jsonb_to_recordset(r.lines) as n ("productId" text, quantity integer, restocked integer, "writtenOff" integer)
    where r.order_id = l.order_id and r.status <> 'rejected' and n."productId" = l.product_id
  ) r,
  lateral (
    select coalesce(sum(n.quantity), 0) as quantity, coalesce(sum(n.amount), 0) as amount
    from payments.refunds g, jsonb_to_recordset(g.lines) as n ("productId" text, quantity integer, amount bigint)
    where g.order_id = l.order_id and g.status <> 'failed' and n."productId" = l.product_id
  ) g
  where (l.fulfilled, l.shipped, l.delivered, l.returned) is distinct from (f.fulfilled, f.shipped, f.delivered, r.returned)
    or f.fulfilled + l.cancelled > l.quantity or r.returned > f.shipped or g.quantity > f.shipped + l.cancelled or g.amount > l.paid;
grant select on monitor.line_violations to monitor;

-- Orders of which all that was paid has been refunded, or is about to be, with units that somebody paid for and that have not
-- shipped: nobody ships these for nothing.
create view payments.paid_back_orders as
  select p.order_id from payments.payments p
  where p.status = 'captured' and p.refund_claimed = p.amount and exists (
    select from payments.refundable_lines l
    where l.order_id = p.order_id and l.paid > 0 and l.quantity > l.shipped + l.cancelled
  );
grant select on payments.paid_back_orders to fulfilment_api;

-- The first parcel that ships requests the capture of an authorized payment.
grant usage on schema payments to fulfilment_api;
grant select on payments.refundable_orders to fulfilment_api;
grant select (id, order_id, status, amount, released_amount, currency, provider, reference, capture_requested_at, capture_attempt),
  update (capture_requested_at, capture_requested_by, capture_correlation_id, capture_attempt)
  on payments.payments to fulfilment_api;

grant usage on schema orders, stock, outbox, archive to fulfilment_api;
grant select (id, number, customer_id, contact, status, version, total, currency, failure_code, compensation_attempts, capture_retries,
  correlation_id, created_at, fulfilment_status, guest_token) on orders.orders to fulfilment_api;
grant update (fulfilment_status, version, correlation_id, updated_at) on orders.orders to fulfilment_api;
grant select (order_id, position, product_id, quantity, fulfilled, shipped, delivered, returned, cancelled) on orders.lines
  to fulfilment_api;
grant update (fulfilled, shipped, delivered, returned) on orders.lines to fulfilment_api;
grant select, insert on orders.fulfilments, orders.returns to fulfilment_api;
grant update (status, carrier, tracking_number, tracking_url, updated_at, shipped_at, delivered_at) on orders.fulfilments
  to fulfilment_api;
grant update (status, lines, rejection, updated_at) on orders.returns to fulfilment_api;
grant insert on orders.timeline, stock.movements, outbox.events to fulfilment_api;
grant select, insert, update on orders.fulfilment_idempotency_keys to fulfilment_api;
grant select (id, customer_id, status) on archive.order_keys to fulfilment_api;
grant select on archive.fulfilments, archive.returns to fulfilment_api;

grant select on orders.fulfilments, orders.returns, archive.fulfilments, archive.returns to customer_export;
grant select (expires_at), delete on orders.fulfilment_idempotency_keys to jobs;
