-- Finds the orders of guests by their e-mail addresses.
create index orders_of_guests on orders.orders ((contact ->> 'email')) where customer_id is null;
-- Finds the answers to requests that placed an order for somebody.
create index orders_answered on orders.idempotency_keys ((headers ->> 'location') collate "C")
  where operation = 'place-order';

-- Where an order went whose address is forgotten: no person is known by it, and figures by country stay as they were.
alter table orders.orders add column former_country text collate "C" check (former_country ~ '^[A-Z]{2}$');

-- Erases what orders that are not archived say of persons, also in the events of any orders, and in the answers that still
-- show them. The orders stay.
create function orders.forget(ids text[]) returns void
language plpgsql set search_path = '' as $$
declare
  empty jsonb := '{"shippingAddress": null, "billingAddress": null, "contact": null, "note": null, "metadata": {}}';
begin
  update orders.orders o
  set former_country = coalesce(shipping_address ->> 'country', former_country), shipping_address = null, billing_address = null, contact = null, note = null, metadata = null, guest_token = null
  where o.id = any (ids);
  update outbox.events e
  set data = e.data || (select jsonb_object_agg(k, empty -> k) from jsonb_object_keys(e.data) k where empty ? k)
  where e.aggregate_id = any (ids) and e.data ? 'contact';
  update archive.events e
  set data = e.data || (select jsonb_object_agg(k, empty -> k) from jsonb_object_keys(e.data) k where empty ? k)
  where e.aggregate_id = any (ids) and e.data ? 'contact';
  delete from orders.idempotency_keys k
  -- Said, because parameters take the collation of what a caller passes, and an index serves its own alone.
  where k.operation = 'place-order' and (k.headers ->> 'location') collate "C" = any (array(select '/orders/' || i from unnest(ids) i));
end
$$;

-- Erases what a customer's orders say of persons, archived or not.
create function orders.forget_customer(wanted text) returns void
language plpgsql security definer set search_path = '' as $$
declare
  ids text[];
  pages bigint[];
begin
  -- Nothing moves to the archive or out of it meanwhile.
  perform pg_advisory_xact_lock(hashtextextended('counterfoil archive', 0));
  select array_agg(k.id), array_agg(distinct k.page_id) into ids, pages
  from archive.order_keys k where k.customer_id = wanted;
  update archive.pages p set documents = (
    select jsonb_object_agg(d.key, case when d.key = any (ids)
      then jsonb_set(d.value, '{order}', (d.value -> 'order')
        || '{"shipping_address": null, "billing_address": null, "contact": null, "note": null, "metadata": null}'
        || jsonb_build_object('former_country',
          coalesce(d.value #>> '{order,shipping_address,country}', d.value #>> '{order,former_country}')))
      else d.value end)
    from jsonb_each(p.documents) d
  ) where p.id = any (pages);
  perform orders.forget(coalesce(ids, '{}') || array(select o.id::text from orders.orders o where o.customer_id = wanted));
end
$$;

-- Gives a customer the orders that guests placed with the e-mail address that the customer has just confirmed. The guests'
-- tokens end.
create function orders.join_guest_orders(wanted text, now timestamptz) returns void
language sql security definer set search_path = '' as $$
  with changed as (
    update orders.orders o
    set customer_id = c.id, guest_token = null, version = o.version + 1, updated_at = now
    from customers.customers c
    where c.id = wanted and c.confirmed_at is not null and c.erased_at is null
      and o.customer_id is null and o.contact ->> 'email' = c.email
    returning o.id, o.number, o.customer_id, o.version, o.correlation_id, o.shipping_address, o.billing_address, o.contact,
      o.note, o.metadata
  ),
  noted as (
    insert into orders.timeline (order_id, version, entry, type, detail, at)
    select id, version, 1, 'details-changed', '{"changed": ["customerId"], "by": "customer"}', now from changed
  )
  insert into outbox.events (id, type, schema_version, subject, aggregate_id, sequence, occurrence, correlation_id, data, occurred_at)
  select 'evt_' || replace(uuidv7(now - clock_timestamp())::text, '-', ''), 'order.updated', 1, id, id, version, version,
    correlation_id,
    jsonb_build_object('orderId', id, 'number', number, 'customerId', customer_id, 'changed', '["customerId"]'::jsonb,
      'shippingAddress', shipping_address, 'billingAddress', billing_address, 'contact', contact, 'note', note,
      'metadata', coalesce(metadata, '{}')), now
  from changed
$$;

revoke all on function orders.forget(text[]), orders.forget_customer(text), orders.join_guest_orders(text, timestamptz)
  from public;
grant execute on function orders.forget_customer(text) to customer_erasure;
grant usage on schema orders to customers_api;
grant execute on function orders.join_guest_orders(text, timestamptz) to customers_api;
grant update (shipping_address, billing_address, contact, note, metadata) on orders.orders to orders_api;
