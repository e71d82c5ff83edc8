drop view orders.order_details;
drop view stock.wanted;
drop view orders.priceable_customers;
drop view orders.priceable_products;
revoke all on outbox.events from saga, orders_api;
revoke all on payments.payments from saga;
revoke all on orders.orders, orders.lines, orders.timeline, orders.idempotency_keys from jobs, saga, orders_api;
