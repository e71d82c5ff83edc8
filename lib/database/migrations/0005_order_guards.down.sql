drop trigger guard_lines on orders.orders;
drop function orders.guard_lines();
drop trigger guard_outcome on orders.orders;
drop function orders.guard_outcome();
drop trigger guard_first_status on orders.orders;
drop function orders.guard_first_status();
drop trigger guard_transition on orders.orders;
drop function orders.guard_transition();
