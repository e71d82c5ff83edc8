drop view monitor.manual_reviews_waiting;
create view monitor.manual_reviews_waiting as
  select id as order_id, updated_at
  from orders.orders
  where status = 'needs_attention';
grant select on monitor.manual_reviews_waiting to monitor;

revoke update (compensation_attempts) on orders.orders from saga;
revoke select (order_id, attempt, opened_at, from_status, steps, settled_at), update (settled_at, settled_how)
  on orders.manual_reviews from saga;
