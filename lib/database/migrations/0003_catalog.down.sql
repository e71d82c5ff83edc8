drop view catalog.stretches;
drop table catalog.idempotency_keys, catalog.words, catalog.products, catalog.categories;
drop function catalog.learn_words(), catalog.beginnings(tsvector), catalog.begins_with(text), catalog.blocks(bigint);
drop extension pg_trgm;
drop schema catalog;
