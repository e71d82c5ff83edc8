drop table catalog.idempotency_keys, catalog.products;
drop schema catalog;
