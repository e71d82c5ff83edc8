revoke usage on schema kernel, monitor, stock from reconciler;
revoke all on stock.reservations, stock.movements from reconciler;
revoke update (state) on stock.reservations from reconciler;
drop view monitor.stock_balances;
drop view monitor.kept_stock;
drop view monitor.order_balances;
drop table monitor.findings;
drop domain kernel.finding_id;

-- A role that another database of this server still uses stays.
do $$
begin
  execute format('revoke all on database %I from reconciler', current_database());
  begin
    drop role reconciler;
  exception when dependent_objects_still_exist then
    null;
  end;
end
$$;
