-- What pricing needs of other schemas, and no more.
create view orders.priceable_products as
  select id, sku, name, price_amount, price_currency from catalog.products where active;
create view orders.priceable_customers as
  select id, premium from customers.customers;

-- What an order takes from the shelf.
create view stock.wanted as
  select order_id, product_id, sku, quantity from orders.lines;

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

grant select on orders.priceable_products, orders.priceable_customers, orders.order_details to orders_api;
grant select, insert on orders.orders, orders.timeline to orders_api;
grant insert on orders.lines to orders_api;
grant update (status, version, updated_at) on orders.orders to orders_api;
grant select, insert, update on orders.idempotency_keys to orders_api;
grant insert on outbox.events to orders_api;

grant select on stock.wanted, orders.order_details to saga;
grant select on orders.orders to saga;
grant update (status, version, updated_at, confirmed_at, abandoned_at, failure_code, failure_detail)
  on orders.orders to saga;
grant insert on orders.timeline to saga;
grant select, insert on payments.payments to saga;
grant update (status, refunded_at, refund_reference) on payments.payments to saga;
grant insert on outbox.events to saga;

grant select (expires_at), delete on orders.idempotency_keys to jobs;
