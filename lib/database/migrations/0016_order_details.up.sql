-- Finds the answers to requests that placed an order for somebody.
create index orders_answered on orders.idempotency_keys ((headers ->> 'location'))
  where operation = 'place-order';

-- Erases what a customer's orders say of persons: the orders themselves, archived or not, their events, and the answers that
-- still show them. The orders stay.
create function orders.forget_customer(wanted text) returns void
language plpgsql security definer set search_path = '' as $$
declare
  ids text[];
  pages bigint[];
  empty jsonb := '{"shippingAddress": null, "billingAddress": null, "contact": null, "note": null, "metadata": {}}';
begin
  -- Nothing moves to the archive or out of it meanwhile.
  perform pg_advisory_xact_lock(hashtextextended('counterfoil archive', 0));
  select array_agg(k.id), array_agg(distinct k.page_id) into ids, pages
  from archive.order_keys k where k.customer_id = wanted;
  update archive.pages p set documents = (
    select jsonb_object_agg(d.key, case when d.key = any (ids)
      then jsonb_set(d.value, '{order}', (d.value -> 'order')
        || '{"shipping_address": null, "billing_address": null, "contact": null, "note": null, "metadata": null}')
      else d.value end)
    from jsonb_each(p.documents) d
  ) where p.id = any (pages);
  ids := ids || array(select o.id::text from orders.orders o where o.customer_id = wanted);
  update orders.orders o
  set shipping_address = null, billing_address = null, contact = null, note = null, metadata = null
  where o.customer_id = wanted;
  update outbox.events e set data = e.data || empty
  where e.aggregate_id = any (ids) and e.type in ('order.placed', 'order.updated');
  update archive.events e set data = e.data || empty
  where e.aggregate_id = any (ids) and e.type in ('order.placed', 'order.updated');
  delete from orders.idempotency_keys k
  where k.operation = 'place-order' and k.headers ->> 'location' = any (array(select '/orders/' || i from unnest(ids) i));
end
$$;
revoke all on function orders.forget_customer(text) from public;
grant execute on function orders.forget_customer(text) to customer_erasure;
