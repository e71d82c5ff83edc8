drop table catalog.idempotency_keys, catalog.words, catalog.products, catalog.categories;
drop function catalog.learn_words();
drop extension pg_trgm;
drop schema catalog;
