-- Who cancels orders, and units that have not shipped: unpacks them, puts them back on the shelf, and requests their refund.
grant usage on schema orders, payments, stock, outbox, archive to cancellations_api;
grant select (id, number, customer_id, guest_token, contact, status, version, total, currency, capture_at, failure_code,
  compensation_attempts, capture_retries, correlation_id, confirmed_at, created_at, fulfilment_status) on orders.orders
  to cancellations_api;
grant update (status, fulfilment_status, version, correlation_id, updated_at) on orders.orders to cancellations_api;
grant select (order_id, position, product_id, quantity, fulfilled, shipped, delivered, returned, cancelled),
  update (fulfilled, cancelled) on orders.lines to cancellations_api;
grant select (id, order_id, status, lines), update (status, updated_at) on orders.fulfilments to cancellations_api;
grant insert on orders.timeline, stock.movements, outbox.events to cancellations_api;
grant select, insert, update on orders.idempotency_keys to cancellations_api;
grant select on orders.order_details, archive.order_details to cancellations_api;
grant select (id, customer_id, status) on archive.order_keys to cancellations_api;
grant select (order_id, product_id, quantity, state), update (quantity, state) on stock.reservations to cancellations_api;

-- A payment that is not captured yet is lessened at once, so its refund is settled here and not by a saga.
grant select on payments.refundable_orders, payments.refundable_lines, payments.refundable_returns, payments.refunds
  to cancellations_api;
grant select (id, order_id, status, amount, currency, provider, reference, refund_claimed, refunded_amount, released_amount,
  capture_requested_at), update (refund_claimed, refunded_amount, released_amount) on payments.payments to cancellations_api;
grant insert, update (status, failure_code, reference, updated_at) on payments.refunds to cancellations_api;
