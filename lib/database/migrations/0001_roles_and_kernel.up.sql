-- Login roles: one for each kind of work. Membership in rds_iam lets them log in by IAM token alone, without a password.
do $$
declare
  name text;
  statement_timeout text;
begin
  for name, statement_timeout in
    values
      ('customers_api', '5s'),
      ('profiles_api', '5s'),
      ('customer_export', '20s'),
      ('customer_erasure', '20s'),
      ('customer_feeds', '5s'),
      ('mailer', '5s'),
      ('order_mails', '5s'),
      ('owner_mails', '5s'),
      ('catalog_api', '5s'),
      ('catalog_reader', '5s'),
      ('orders_api', '5s'),
      ('refunds_api', '5s'),
      ('fulfilment_api', '5s'),
      ('cancellations_api', '5s'),
      ('events_api', '5s'),
      ('publisher', '10s'),
      ('read_models', '20s'),
      ('application_events', '5s'),
      ('back_office_api', '5s'),
      ('saga', '5s'),
      ('manual_review', '5s'),
      ('audit_reader', '5s'),
      ('audit_writer', '20s'),
      -- Each batch is one statement, so no lock of a job lasts longer.
      ('jobs', '100ms'),
      ('monitor', '60s'),
      ('reconciler', '60s'),
      ('reports_api', '5s'),
      ('report_sender', '5s'),
      ('report_exporter', '60s'),
      ('reporting', '8s'),
      ('analyst', '60s'),
      ('warehouse', '300s')
  loop
    if not exists (select from pg_catalog.pg_roles where rolname = name) then
      execute format('create role %I login', name);
    end if;
    -- Where the owner logs in by a password (lib/database/owner.sql.ts), so do they: a member of rds_iam could not.
    if shobj_description(current_user::regrole, 'pg_authid') is distinct from 'logs in by password' then
      execute format('grant rds_iam to %I', name);
    end if;
    -- The settings belong to the role: RDS Proxy refuses them as start-up options and pins a session that uses SET.
    execute format('alter role %I set search_path = %L', name, '');
    execute format('alter role %I set statement_timeout = %L', name, statement_timeout);
    execute format('alter role %I set lock_timeout = %L', name, case name when 'jobs' then '50ms' else '4s' end);
    execute format('alter role %I set idle_in_transaction_session_timeout = %L', name, '10s');
    execute format('grant connect on database %I to %I', current_database(), name);
  end loop;
  -- Filters of lists match one row or half of them, so each list is planned for the values that it has, and for pages in
  -- memory or on SSD.
  foreach name in array array['catalog_reader', 'profiles_api', 'back_office_api'] loop
    execute format('alter role %I set plan_cache_mode = force_custom_plan', name);
    execute format('alter role %I set random_page_cost = 1.1', name);
  end loop;
  -- A search of the catalogue passes over as many pages either way, and it costs more to look for words in a product than to
  -- read it: so its matches are taken from the index of words, not from among the newest products.
  execute 'alter role catalog_reader set random_page_cost = 0.5';
  -- Reports only read, and only so many at a time: what they take, orders cannot have.
  execute 'alter role reporting connection limit 20';
  execute 'alter role reporting set plan_cache_mode = force_custom_plan';
  execute 'alter role reporting set default_transaction_read_only = on';
  execute 'alter role report_exporter connection limit 5';
  execute 'alter role report_exporter set plan_cache_mode = force_custom_plan';
  execute 'alter role analyst connection limit 5';
  execute 'alter role analyst set default_transaction_read_only = on';
  -- A load writes a month between two statements.
  execute 'alter role warehouse connection limit 2';
  execute 'alter role warehouse set default_transaction_read_only = on';
  execute 'alter role warehouse set idle_in_transaction_session_timeout = ''300s''';
  -- Nobody logs in as this one: to be a member of it is to see personal data in the views for analysts.
  if not exists (select from pg_catalog.pg_roles where rolname = 'reads_personal_data') then
    execute 'create role reads_personal_data nologin';
  end if;
  execute format('grant connect on database %I to reads_personal_data', current_database());
  execute format('revoke all on database %I from public', current_database());
  -- RDS Proxy checks the database under a role of its own, which exists on AWS alone.
  if exists (select from pg_catalog.pg_roles where rolname = 'rdsproxyadmin') then
    execute format('grant connect on database %I to rdsproxyadmin', current_database());
  end if;
end
$$;

revoke all on schema public from public;

-- Types that several schemas share. An id names its kind, so the id of one kind does not fit a column of another.
create schema kernel;
create domain kernel.access_id as text collate "C" check (value ~ '^acc_[0-9a-f]{32}$');
create domain kernel.action_id as text collate "C" check (value ~ '^act_[0-9a-f]{32}$');
create domain kernel.cancellation_id as text collate "C" check (value ~ '^can_[0-9a-f]{32}$');
create domain kernel.category_id as text collate "C" check (value ~ '^cat_[0-9a-f]{32}$');
create domain kernel.customer_id as text collate "C" check (value ~ '^cus_[0-9a-f]{32}$');
create domain kernel.event_id as text collate "C" check (value ~ '^evt_[0-9a-f]{32}$');
create domain kernel.finding_id as text collate "C" check (value ~ '^fnd_[0-9a-f]{32}$');
create domain kernel.fulfilment_id as text collate "C" check (value ~ '^ful_[0-9a-f]{32}$');
create domain kernel.identity_id as text collate "C" check (value ~ '^idn_[0-9a-f]{32}$');
create domain kernel.mail_id as text collate "C" check (value ~ '^eml_[0-9a-f]{32}$');
create domain kernel.movement_id as text collate "C" check (value ~ '^mov_[0-9a-f]{32}$');
create domain kernel.order_id as text collate "C" check (value ~ '^ord_[0-9a-f]{32}$');
create domain kernel.payment_id as text collate "C" check (value ~ '^pay_[0-9a-f]{32}$');
create domain kernel.product_id as text collate "C" check (value ~ '^prd_[0-9a-f]{32}$');
create domain kernel.refund_id as text collate "C" check (value ~ '^rfd_[0-9a-f]{32}$');
create domain kernel.return_id as text collate "C" check (value ~ '^ret_[0-9a-f]{32}$');
create domain kernel.currency as text collate "C" check (value ~ '^[A-Z]{3}$');

grant usage on schema kernel to
  customers_api, profiles_api, customer_export, customer_erasure, customer_feeds, mailer, order_mails, owner_mails,
  catalog_api, catalog_reader, orders_api, refunds_api, fulfilment_api, cancellations_api, events_api, publisher, read_models, back_office_api, application_events, saga, manual_review, audit_reader,
  audit_writer, jobs, monitor, reconciler, reporting, reports_api, report_sender, report_exporter, analyst, warehouse;
