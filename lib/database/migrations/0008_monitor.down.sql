drop view
  monitor.open_orders, monitor.manual_reviews_waiting, monitor.ended_orders, monitor.ledger, monitor.payment_violations,
  monitor.confirmation_violations, monitor.open_captures, monitor.order_balances, monitor.kept_stock;
drop table monitor.findings, monitor.opening_balances, monitor.checks, monitor.violations;
drop schema monitor;
