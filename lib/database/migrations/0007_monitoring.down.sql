drop view monitor.unended_violations;
drop view monitor.confirmation_violations;
drop view monitor.payment_violations;
drop view monitor.stock_violations;
drop view monitor.orders_in_manual_review;
drop view monitor.unended_orders;
