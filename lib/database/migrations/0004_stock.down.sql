drop view catalog.availability;
drop table stock.reservations, stock.movements, stock.levels;
drop function stock.apply_movement(), stock.refuse_new_product(), stock.refuse_larger_reservation();
drop schema stock;
