drop trigger announce_change on stock.levels;
drop trigger announce_first on stock.levels;
drop function stock.announce_level();
drop table outbox.events;
drop schema outbox;
