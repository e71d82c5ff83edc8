revoke update (shipping_address, billing_address, contact, note, metadata) on orders.orders from orders_api;
revoke usage on schema orders from customers_api;
drop function orders.join_guest_orders(text, timestamptz), orders.forget_customer(text), orders.forget(text[]);
drop index orders.orders_answered, orders.orders_of_guests;
alter table orders.orders drop column former_country;
