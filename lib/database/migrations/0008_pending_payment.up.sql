-- A payment that its customer must act on first: the order waits in `pending_payment` with what the client needs for it.
alter table orders.orders
  add column payment_action jsonb,
  add constraint order_status_known check (status in
    ('pending', 'reserved', 'pending_payment', 'paid', 'confirmed', 'failed', 'cancelling', 'cancelled', 'needs_attention')
  ) not valid,
  add constraint payment_action_while_pending check ((payment_action is not null) = (status = 'pending_payment')) not valid,
  drop constraint orders_status_check;

insert into orders.status_transitions values
  ('reserved', 'pending_payment'), ('pending_payment', 'paid'), ('pending_payment', 'failed'),
  ('pending_payment', 'cancelling'), ('pending_payment', 'needs_attention');

-- Whoever takes the order on need not know of the action, which nobody may see any more.
create function orders.forget_payment_action() returns trigger
language plpgsql as $$
begin
  new.payment_action := null;
  return new;
end
$$;
create trigger forget_payment_action before update of status on orders.orders
  for each row when (old.status = 'pending_payment' and new.status <> 'pending_payment')
  execute function orders.forget_payment_action();

create index orders_awaiting_payment on orders.orders (updated_at) where status = 'pending_payment';

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
    o.payment_action
  from orders.orders o
  left join payments.payments p on p.order_id = o.id;

grant update (payment_action) on orders.orders to saga;
