drop schema monitor, outbox, payments, orders, stock, catalog, customers;
drop schema kernel cascade;

-- A role that another database of this server still uses stays.
do $$
declare
  name text;
begin
  execute format('grant connect, temporary on database %I to public', current_database());
  foreach name in array array['customers_api', 'catalog_api', 'orders_api', 'saga', 'jobs', 'monitor'] loop
    execute format('revoke all on database %I from %I', current_database(), name);
    begin
      execute format('drop role %I', name);
    exception when dependent_objects_still_exist then
      null;
    end;
  end loop;
end
$$;

grant usage on schema public to public;
