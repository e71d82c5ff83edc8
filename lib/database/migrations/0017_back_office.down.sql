drop index customers.customers_by_words;
revoke all on orders.orders, orders.lines, orders.order_details, archive.order_details, archive.order_keys from back_office_api;
revoke usage on schema orders, archive from back_office_api;
drop index archive.order_keys_by_product, archive.order_keys_by_total, archive.order_keys_by_fulfilment,
  archive.order_keys_by_status_placed, orders.orders_by_contact, orders.orders_by_total, orders.orders_by_fulfilment,
  orders.orders_by_status_placed;
