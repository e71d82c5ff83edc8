-- What operations watches: each view counts what must be zero, or is a gauge, over indexes where it runs each minute.
create view monitor.unended_orders as
  select
    count(*)::integer as count,
    coalesce(extract(epoch from max(age)), 0)::integer as oldest_seconds
  from (
    select current_timestamp - updated_at as age
    from orders.orders
    where status in ('pending', 'reserved', 'paid', 'cancelling') and updated_at < current_timestamp - interval '5 minutes'
  ) stuck;

create view monitor.orders_in_manual_review as
  select
    count(*)::integer as count,
    coalesce(extract(epoch from max(current_timestamp - updated_at)), 0)::integer as oldest_seconds
  from orders.orders
  where status = 'needs_attention';

-- Invariant 1: a level is the sum of its ledger. (0 ≤ reserved ≤ on hand is a CHECK.)
create view monitor.stock_violations as
  select coalesce(l.product_id, m.product_id) as product_id
  from stock.levels l
  full join (
    select product_id, sum(quantity) as on_hand, sum(reserved) as reserved from stock.movements group by product_id
  ) m on m.product_id = l.product_id
  where (l.on_hand, l.reserved) is distinct from (m.on_hand::integer, m.reserved::integer)
    or l.reserved < 0 or l.reserved > l.on_hand;

-- Invariant 2: money kept by an order that ended without goods.
create view monitor.payment_violations as
  select o.id as order_id
  from payments.payments p
  join orders.orders o on o.id = p.order_id
  where p.status = 'captured' and o.status in ('failed', 'cancelled');

-- Invariant 3: confirmed without its payment or its stock.
create view monitor.confirmation_violations as
  select o.id as order_id
  from orders.orders o
  where o.status = 'confirmed' and (
    not exists (
      select from payments.payments p where p.order_id = o.id and p.status = 'captured' and p.amount = o.total
    )
    or exists (
      select from orders.lines l
      left join stock.reservations r on r.order_id = l.order_id and r.product_id = l.product_id
      where l.order_id = o.id and r.state is distinct from 'committed'
    )
  );

-- Invariant 4: not ended within an hour.
create view monitor.unended_violations as
  select id as order_id
  from orders.orders
  where status in ('pending', 'reserved', 'paid', 'cancelling') and updated_at < current_timestamp - interval '1 hour';

grant select on all tables in schema monitor to monitor;
