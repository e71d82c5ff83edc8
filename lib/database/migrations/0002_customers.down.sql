drop table customers.idempotency_keys;
drop table customers.customers;
