-- What waits for its customer goes back to where it came from; its saga goes on by itself.
alter table orders.orders disable trigger guard_transition;
update orders.orders set status = 'reserved' where status = 'pending_payment';
alter table orders.orders enable trigger guard_transition;

drop view orders.order_details;
drop trigger forget_payment_action on orders.orders;
drop function orders.forget_payment_action();
drop index orders.orders_awaiting_payment;
delete from orders.status_transitions where 'pending_payment' in (from_status, to_status);
alter table orders.orders
  drop constraint order_status_known,
  drop constraint payment_action_while_pending,
  drop column payment_action,
  add constraint orders_status_check check (status in
    ('pending', 'reserved', 'paid', 'confirmed', 'failed', 'cancelling', 'cancelled', 'needs_attention'));

create view orders.order_details as
  select
    o.*,
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
    ) as lines
  from orders.orders o
  left join payments.payments p on p.order_id = o.id;
grant select on orders.order_details to orders_api;
grant select on orders.order_details to saga;
