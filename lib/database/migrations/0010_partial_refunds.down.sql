drop view payments.refundable_orders;
drop view orders.order_details;
create view orders.order_details as
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
grant select on orders.order_details to orders_api;
grant select on orders.order_details to saga;

drop table payments.refunds;
drop function payments.guard_refund();
alter table payments.payments
  drop constraint refunds_within_payment,
  drop column refund_claimed,
  drop column refunded_amount;
drop domain kernel.refund_id;

revoke all on payments.payments, orders.idempotency_keys from refunds_api;
revoke usage on schema kernel, payments, orders from refunds_api;
do $$
begin
  execute format('revoke all on database %I from refunds_api', current_database());
  -- A role that another database of this server still uses stays.
  begin
    drop role refunds_api;
  exception when dependent_objects_still_exist then
    null;
  end;
end
$$;
