-- Login roles, one a kind of work. They have no password: rds_iam admits them by IAM token alone.
do $$
declare
  name text;
begin
  foreach name in array array['customers_api', 'catalog_api', 'orders_api', 'saga', 'jobs', 'monitor'] loop
    if not exists (select from pg_catalog.pg_roles where rolname = name) then
      execute format('create role %I login', name);
    end if;
    execute format('grant rds_iam to %I', name);
    -- Set here because RDS Proxy refuses them as startup options and pins a session that says SET.
    execute format('alter role %I set search_path = %L', name, '');
    execute format('alter role %I set statement_timeout = %L', name, '5s');
    execute format('alter role %I set lock_timeout = %L', name, '4s');
    execute format('alter role %I set idle_in_transaction_session_timeout = %L', name, '10s');
    execute format('grant connect on database %I to %I', current_database(), name);
  end loop;
  execute format('revoke all on database %I from public', current_database());
  -- RDS Proxy looks after the database under a role of its own, which is on AWS alone.
  if exists (select from pg_catalog.pg_roles where rolname = 'rdsproxyadmin') then
    execute format('grant connect on database %I to rdsproxyadmin', current_database());
  end if;
end
$$;

alter role jobs set statement_timeout = '60s';
alter role monitor set statement_timeout = '60s';

revoke all on schema public from public;

create schema customers;
create schema catalog;
create schema stock;
create schema orders;
create schema payments;
create schema outbox;
create schema monitor;

create schema kernel;
create domain kernel.customer_id as text collate "C" check (value ~ '^cus_[0-9a-f]{32}$');
create domain kernel.product_id as text collate "C" check (value ~ '^prd_[0-9a-f]{32}$');
create domain kernel.order_id as text collate "C" check (value ~ '^ord_[0-9a-f]{32}$');
create domain kernel.payment_id as text collate "C" check (value ~ '^pay_[0-9a-f]{32}$');
create domain kernel.movement_id as text collate "C" check (value ~ '^mov_[0-9a-f]{32}$');
create domain kernel.event_id as text collate "C" check (value ~ '^evt_[0-9a-f]{32}$');
create domain kernel.currency as text collate "C" check (value ~ '^[A-Z]{3}$');

grant usage on schema kernel to customers_api, catalog_api, orders_api, saga, jobs, monitor;
grant usage on schema customers to customers_api;
grant usage on schema catalog, stock to catalog_api;
grant usage on schema orders to orders_api;
grant usage on schema outbox to orders_api;
grant usage on schema orders, stock, payments, outbox to saga;
grant usage on schema customers, catalog, orders to jobs;
grant usage on schema monitor to monitor;
