drop view monitor.orders_before_a_person;
create view monitor.orders_before_a_person as
  select id as order_id, updated_at
  from orders.orders
  where status = 'needs_attention';
grant select on monitor.orders_before_a_person to monitor;

revoke update (undo_attempts) on orders.orders from saga;
revoke select (order_id, attempt, flagged_at, from_status, steps, settled_at), update (settled_at, settled_how)
  on orders.attention from saga;
