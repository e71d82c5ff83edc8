-- The request that the order's saga works for. Every event of the order carries it.
alter table orders.orders add column correlation_id text collate "C";
grant update (correlation_id) on orders.orders to orders_api, operations;
alter table payments.refunds add column correlation_id text collate "C";

-- A domain event says which schema its data follows, and where it stands among the events of its order.
alter table outbox.events
  add column schema_version smallint,
  add column aggregate_id text collate "C",
  add column sequence integer,
  add column correlation_id text collate "C";

update outbox.events e set
  schema_version = 1,
  aggregate_id = o.id,
  sequence = (select max(t.version) from orders.timeline t where t.order_id = o.id and t.at = e.occurred_at),
  data = case e.type
    when 'order.placed' then jsonb_build_object(
      'orderId', o.id, 'customerId', o.customer_id, 'lines', e.data -> 'lines',
      'subtotal', e.data -> 'subtotal', 'discount', e.data -> 'discount', 'total', e.data -> 'total'
    )
    when 'refund.succeeded' then e.data || jsonb_build_object('customerId', o.customer_id)
    when 'refund.failed' then e.data || jsonb_build_object('customerId', o.customer_id, 'reason', r.failure_code)
    else e.data
  end
from orders.orders o
left join payments.refunds r on r.order_id = o.id
where e.subject in (o.id, r.id);

alter table outbox.events
  alter column schema_version set not null,
  -- The order that changed. Its version is the event's sequence number.
  alter column aggregate_id set not null,
  alter column sequence set not null,
  add constraint events_sequence_check check (sequence >= 1),
  add constraint event_type_known check ((type, schema_version) in (
    ('order.placed', 1), ('order.confirmed', 1), ('order.failed', 1), ('order.cancelled', 1), ('order.in_review', 1),
    ('refund.succeeded', 1), ('refund.failed', 1)
  ));
create unique index events_in_sequence on outbox.events (aggregate_id, sequence);
