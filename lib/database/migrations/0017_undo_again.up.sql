-- The sweeper runs compensations again that did not get through.
grant select (order_id, attempt, opened_at, from_status, steps, settled_at), update (settled_at, settled_how)
  on orders.manual_reviews to saga;
grant update (compensation_attempts) on orders.orders to saga;

-- A compensation that was run again and failed again must not make the order look new.
create or replace view monitor.manual_reviews_waiting as
  select o.id as order_id, o.updated_at,
    coalesce((select min(a.opened_at) from orders.manual_reviews a where a.order_id = o.id), o.updated_at) as waiting_since
  from orders.orders o
  where o.status = 'needs_attention';
