revoke all on all tables in schema orders, payments, stock, outbox, archive from fulfilment_api;
revoke usage on schema orders, payments, stock, outbox, archive from fulfilment_api;
drop view payments.paid_back_orders, payments.refundable_returns, monitor.line_violations, archive.returns, archive.fulfilments;
drop table orders.fulfilment_idempotency_keys, orders.returns, orders.fulfilments;
drop function orders.guard_progress();
alter table orders.lines drop constraint fulfilled_as_ordered, drop constraint cancelled_as_ordered, drop constraint returned_as_shipped;
alter table orders.orders drop constraint fulfilment_status_known, drop constraint shipped_order_stays;
