drop table customers.idempotency_keys, customers.identities, customers.mails, customers.email_tokens, customers.customers;
drop schema customers;
