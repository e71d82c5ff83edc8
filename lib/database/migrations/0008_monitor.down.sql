drop view
  monitor.open_orders, monitor.manual_reviews_waiting, monitor.stock_violations, monitor.payment_violations,
  monitor.confirmation_violations, monitor.order_balances, monitor.kept_stock, monitor.stock_balances;
drop table monitor.findings;
drop schema monitor;
