drop view reporting.customer_summary, reporting.customers_masked, reporting.stock_movements, reporting.stock,
  reporting.products, reporting.refund_lines, reporting.refunds,
  reporting.payments, reporting.order_lines, reporting.orders;
drop index payments.payments_ended_whole;
drop function reporting.get_freshness(), reporting.get_epoch(), reporting.add_up_refunds(jsonb, text), reporting.day_begins(date, text);
drop schema reporting;
