-- Of several events of one kind only the first can stay.
delete from outbox.events where occurrence > 1;
create unique index events_once on outbox.events (subject, type);
drop index outbox.events_once_each;
alter table outbox.events drop column occurrence;

drop table orders.operator_actions;
drop table orders.manual_reviews;
drop domain kernel.action_id;
drop index orders.orders_by_status;
delete from orders.status_transitions where from_status = 'needs_attention';
alter table orders.orders drop column compensation_attempts;

revoke all on orders.order_details, orders.timeline, orders.orders, orders.idempotency_keys from operations;
revoke all on stock.reservations, stock.movements, stock.wanted, payments.payments, payments.refunds, outbox.events from operations;
revoke usage on schema kernel, orders, stock, payments, outbox from operations;

do $$
begin
  execute format('revoke all on database %I from operations', current_database());
  begin
    drop role operations;
  exception when dependent_objects_still_exist then
    null;
  end;
end
$$;
