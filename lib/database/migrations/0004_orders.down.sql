drop table outbox.events;
drop table payments.payments;
drop table orders.idempotency_keys;
drop table orders.timeline;
drop table orders.lines;
drop table orders.orders;
drop table orders.status_transitions;
