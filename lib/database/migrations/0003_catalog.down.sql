drop table catalog.idempotency_keys, catalog.products, catalog.categories;
drop schema catalog;
