create schema stock;

-- What the ledger adds up to. The trigger apply_movement keeps the numbers.
create table stock.levels (
  product_id kernel.product_id primary key references catalog.products (id),
  on_hand integer not null default 0 check (on_hand between 0 and 1000000000),
  reserved integer not null default 0,
  -- From how many available units on the stock counts as low; 0 if it never does.
  low_at integer not null default 5 check (low_at between 0 and 1000000000),
  -- When it moved last, and how many events there are of it.
  moved_at timestamptz,
  announced integer not null default 1 check (announced >= 1),
  constraint never_oversold check (reserved between 0 and on_hand)
);

-- A role that locks a level needs the right to update some column of it, so such roles may update product_id.
-- This trigger keeps them from changing it.
create function stock.refuse_new_product() returns trigger
language plpgsql set search_path = '' as $$
begin
  raise exception 'the level of product % cannot become that of another product', old.product_id
    using errcode = 'integrity_constraint_violation', constraint = 'level_keeps_its_product';
end
$$;
create trigger refuse_new_product before update of product_id on stock.levels
  for each row when (old.product_id is distinct from new.product_id) execute function stock.refuse_new_product();

-- The ledger. Only an insert here changes a level, so the sum of a product's rows is its level.
create table stock.movements (
  id kernel.movement_id primary key,
  product_id kernel.product_id not null references catalog.products (id),
  kind text not null,
  quantity integer not null,
  reserved integer not null,
  reason text not null check (length(reason) between 1 and 200),
  order_id kernel.order_id,
  -- The return that brought the goods back.
  return_id kernel.return_id,
  -- The cancellation of units that gave them back.
  cancellation_id kernel.cancellation_id,
  created_at timestamptz not null,
  constraint movement_matches_kind check (
    (order_id is null) = (kind = 'adjustment')
    and case
      when quantity = 0 then kind = 'reservation' and reserved > 0 or kind = 'release' and reserved < 0
      when reserved <> 0 then kind = 'commitment' and quantity < 0 and reserved = quantity
      when quantity > 0 then kind = any ('{adjustment,return,cancellation,restock}')
      else kind = any ('{adjustment,write_off}')
    end
  ),
  constraint return_is_named check ((return_id is not null) = (kind = any ('{restock,write_off}'))),
  constraint cancellation_is_named check ((cancellation_id is not null) = (kind = 'cancellation'))
);
-- A step of the saga moves an order's stock at most once, however often the step is delivered; so does a return
-- and a cancellation of units.
create unique index movement_once on stock.movements (order_id, product_id, kind, return_id, cancellation_id) nulls not distinct
  where order_id is not null;
create index movements_by_product on stock.movements (product_id, id desc);

create function stock.apply_movement() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  update stock.levels set on_hand = on_hand + new.quantity, reserved = reserved + new.reserved, moved_at = new.created_at
  where product_id = new.product_id;
  if not found then
    insert into stock.levels as level (product_id, on_hand, reserved, moved_at)
    values (new.product_id, new.quantity, new.reserved, new.created_at)
    on conflict (product_id) do update
      set on_hand = level.on_hand + new.quantity, reserved = level.reserved + new.reserved, moved_at = new.created_at;
  end if;
  return null;
end
$$;
create trigger apply_movement after insert on stock.movements
  for each row execute function stock.apply_movement();

create table stock.reservations (
  order_id kernel.order_id not null,
  product_id kernel.product_id not null references catalog.products (id),
  quantity integer not null check (quantity > 0),
  state text not null default 'held' check (state = any ('{held,committed,released,returned}')),
  expires_at timestamptz not null,
  primary key (order_id, product_id)
);

-- What an order has taken may become less, when units of it are cancelled. It never becomes more.
create function stock.refuse_larger_reservation() returns trigger
language plpgsql set search_path = '' as $$
begin
  raise exception 'order % cannot take % instead of % of %', new.order_id, new.quantity, old.quantity, new.product_id
    using errcode = 'integrity_constraint_violation', constraint = 'reservation_never_grows';
end
$$;
create trigger refuse_larger_reservation before update of quantity on stock.reservations
  for each row when (new.quantity > old.quantity) execute function stock.refuse_larger_reservation();
create index reservations_expiring on stock.reservations (expires_at) where state = 'held';

-- Whether a product can be ordered, for the catalogue: without how many there are.
create view catalog.availability as
  select product_id, case
    when on_hand <= reserved then 'out_of_stock'
    when on_hand - reserved <= low_at then 'low'
    else 'in_stock'
  end as availability
  from stock.levels;
grant select on catalog.availability to catalog_reader;

grant usage on schema stock to catalog_api, orders_api, saga, manual_review, reconciler;

grant select on stock.levels to catalog_api, saga;
grant select (product_id, on_hand, reserved) on stock.levels to orders_api;
grant insert (product_id, low_at), update (low_at) on stock.levels to catalog_api;
-- Lets them lock a level. Its numbers stay the trigger's.
grant update (product_id) on stock.levels to catalog_api, saga;
grant select, insert on stock.movements to catalog_api, saga, manual_review, reconciler;
grant select, update (state) on stock.reservations to saga, manual_review, reconciler;
grant insert on stock.reservations to saga;
