-- How a back office finds orders, of before and after the archive, and customers.
-- Most orders are confirmed: in the order of their ids one is soon found.
create index orders_by_status_placed on orders.orders (status, id desc) where status <> 'confirmed';
-- Mostly asked for `confirmed` and `unfulfilled`; without a status PostgreSQL skips from one to the next.
create index orders_by_fulfilment on orders.orders (status, fulfilment_status, id desc);
create index orders_by_total on orders.orders (currency, total, id);
create index orders_by_contact on orders.orders ((contact ->> 'email')) where contact is not null;
create index order_keys_by_status_placed on archive.order_keys (status, id desc) where status <> 'confirmed';
create index order_keys_by_fulfilment on archive.order_keys (status, fulfilment_status, id desc);
create index order_keys_by_total on archive.order_keys (currency, total, id);
create index order_keys_by_product on archive.order_keys using gin (products);
create index customers_by_words on customers.customers using gin (words catalog.gin_trgm_ops) where erased_at is null;

grant usage on schema orders, archive to back_office_api;
grant select (id, number, customer_id, status, fulfilment_status, currency, total, contact) on orders.orders
  to back_office_api;
grant select (order_id, product_id) on orders.lines to back_office_api;
grant select on orders.order_details, archive.order_details to back_office_api;
grant select (id, number, customer_id, status, fulfilment_status, currency, total, refunded, products)
  on archive.order_keys to back_office_api;
