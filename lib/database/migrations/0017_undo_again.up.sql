-- The sweeper runs undos again that did not get through.
grant select (order_id, attempt, flagged_at, from_status, steps, settled_at), update (settled_at, settled_how)
  on orders.attention to saga;
grant update (undo_attempts) on orders.orders to saga;

-- An undo that was run again and failed again must not make the order look new.
create or replace view monitor.orders_before_a_person as
  select o.id as order_id, o.updated_at,
    coalesce((select min(a.flagged_at) from orders.attention a where a.order_id = o.id), o.updated_at) as waiting_since
  from orders.orders o
  where o.status = 'needs_attention';
