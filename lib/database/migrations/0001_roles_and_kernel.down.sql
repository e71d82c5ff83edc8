drop domain
  kernel.access_id, kernel.action_id, kernel.cancellation_id, kernel.category_id, kernel.customer_id, kernel.event_id, kernel.finding_id, kernel.fulfilment_id,
  kernel.identity_id,
  kernel.mail_id, kernel.movement_id, kernel.order_id, kernel.payment_id, kernel.product_id, kernel.refund_id, kernel.return_id,
  kernel.currency;
drop schema kernel;

do $$
declare
  name text;
begin
  execute format('grant connect, temporary on database %I to public', current_database());
  foreach name in array array[
    'customers_api', 'profiles_api', 'customer_export', 'customer_erasure', 'customer_feeds', 'mailer', 'order_mails', 'owner_mails', 'catalog_api', 'catalog_reader', 'orders_api', 'refunds_api', 'fulfilment_api', 'cancellations_api', 'events_api', 'publisher', 'read_models', 'back_office_api', 'application_events', 'saga', 'manual_review', 'audit_reader',
    'audit_writer', 'jobs', 'monitor', 'reconciler', 'reporting', 'reports_api', 'report_sender', 'report_exporter', 'analyst', 'warehouse', 'reads_personal_data'
  ] loop
    execute format('revoke all on database %I from %I', current_database(), name);
    begin
      execute format('drop role %I', name);
    exception when dependent_objects_still_exist then
      null; -- Another database of this server still uses the role.
    end;
  end loop;
end
$$;

grant usage on schema public to public;
