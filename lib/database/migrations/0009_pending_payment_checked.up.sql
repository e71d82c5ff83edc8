-- In a file of its own, so that only the weak lock is held while every order is read.
alter table orders.orders validate constraint order_status_known, validate constraint payment_action_while_pending;
