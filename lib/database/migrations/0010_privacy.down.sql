drop view orders.under_way;
drop function customers.drop_unconfirmed(timestamptz, text, timestamptz, timestamptz, integer);
drop index customers.sign_ups_answered;
revoke usage on schema customers, orders, payments, audit from customer_export;
revoke all on customers.customers, customers.mails, customers.email_tokens, customers.identities, orders.order_details,
  orders.timeline, payments.refunds, audit.accesses, audit.touched from customer_export;
revoke usage on schema customers, orders, outbox from customer_erasure;
revoke all on customers.customers, customers.mails, customers.email_tokens, customers.identities,
  customers.idempotency_keys, orders.idempotency_keys, outbox.events from customer_erasure;
