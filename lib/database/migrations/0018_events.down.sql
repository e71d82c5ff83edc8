drop index outbox.events_in_sequence;
alter table outbox.events
  drop constraint event_type_known,
  drop constraint events_sequence_check,
  drop column correlation_id,
  drop column sequence,
  drop column aggregate_id,
  drop column schema_version;
alter table payments.refunds drop column correlation_id;
alter table orders.orders drop column correlation_id;
