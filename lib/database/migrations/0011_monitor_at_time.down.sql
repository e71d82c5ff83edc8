drop view monitor.orders_before_a_person;
drop view monitor.open_orders;
