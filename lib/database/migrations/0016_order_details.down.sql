drop function orders.forget_customer(text);
drop index orders.orders_answered;
