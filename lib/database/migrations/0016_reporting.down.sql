drop view reporting.customer_summary, reporting.customers_masked, reporting.stock_movements, reporting.stock,
  reporting.products, reporting.refunds,
  reporting.payments, reporting.order_lines, reporting.orders;
drop function reporting.get_freshness(), reporting.day_begins(date, text);
drop schema reporting;
do $$
begin
  drop role reads_personal_data;
exception when dependent_objects_still_exist then
  null; -- Another database of this server still uses the role.
end
$$;
