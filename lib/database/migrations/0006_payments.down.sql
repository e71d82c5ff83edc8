drop view orders.order_details, payments.refundable_lines, payments.refundable_orders;
drop table payments.idempotency_keys, payments.refunds, payments.payments;
drop function payments.guard_refund(), payments.guard_refund_lines();
drop schema payments;
drop trigger forget_payment_action on orders.orders;
drop function orders.forget_payment_action();
