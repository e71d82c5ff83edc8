drop table stock.reservations;
drop table stock.movements;
drop function stock.apply_movement();
drop table stock.levels;
drop table catalog.idempotency_keys;
drop table catalog.products;
