revoke select on reporting.orders, reporting.order_lines, reporting.payments, reporting.refunds, reporting.refund_lines,
  reporting.products, reporting.stock, reporting.stock_movements, reporting.customers_masked, reporting.customer_summary
  from report_exporter;
revoke execute on function reporting.get_freshness(), reporting.get_epoch(), reporting.day_begins(date, text),
  reporting.add_up_refunds(jsonb, text) from report_exporter;
revoke usage on schema reporting, reports from report_exporter;
drop table reports.exports;
drop domain kernel.report_export_id;
