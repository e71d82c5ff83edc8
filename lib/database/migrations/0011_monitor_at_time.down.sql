drop view monitor.manual_reviews_waiting;
drop view monitor.open_orders;
