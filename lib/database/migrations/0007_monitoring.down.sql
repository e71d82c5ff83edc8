drop view monitor.unended_violations;
drop view monitor.confirmation_violations;
drop view monitor.payment_violations;
drop view monitor.stock_violations;
drop view monitor.orders_needing_attention;
drop view monitor.unended_orders;
