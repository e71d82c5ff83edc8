drop function reports.get_sales_report(date, date, text);
drop index payments.payments_voided, payments.payments_given_back, payments.refunds_given, orders.orders_by_confirmation;
drop schema reports;
drop view monitor.archived_order_balances, monitor.ledger_months, monitor.stock_violations, monitor.stock_balances, monitor.archived_pages,
  monitor.archived_ledger;
revoke usage on schema archive from catalog_api;
drop function archive.move_movements(text, text, integer);
drop view archive.opening_balances, archive.movements;
drop table archive.ledger_pages;
