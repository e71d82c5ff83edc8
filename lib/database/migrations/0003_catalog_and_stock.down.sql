drop table stock.reservations;
drop table stock.movements;
drop function stock.apply_movement();
drop table stock.levels;
drop function stock.refuse_new_product();
drop table catalog.idempotency_keys;
drop table catalog.products;
