create table catalog.products (
  id kernel.product_id primary key,
  sku text collate "C" not null unique check (length(sku) between 1 and 64),
  name text not null check (length(name) between 1 and 200),
  description text check (length(description) <= 5000),
  price_amount bigint not null check (price_amount between 0 and 100000000),
  price_currency kernel.currency not null,
  active boolean not null default true,
  version integer not null default 1 check (version >= 1),
  created_at timestamptz not null,
  updated_at timestamptz not null
);
create index products_on_sale on catalog.products (id desc) where active;

create table catalog.idempotency_keys (like customers.idempotency_keys including all);

create table stock.levels (
  product_id kernel.product_id primary key references catalog.products (id),
  on_hand integer not null default 0 check (on_hand between 0 and 1000000000),
  reserved integer not null default 0,
  constraint never_oversold check (reserved between 0 and on_hand)
);

-- The ledger. A level changes only by a row here, so the sum of the rows is the level.
create table stock.movements (
  id kernel.movement_id primary key,
  product_id kernel.product_id not null references catalog.products (id),
  kind text not null,
  quantity integer not null,
  reserved integer not null,
  reason text not null check (length(reason) between 1 and 200),
  order_id kernel.order_id,
  created_at timestamptz not null,
  constraint movement_matches_kind check (
    case kind
      when 'adjustment' then quantity <> 0 and reserved = 0 and order_id is null
      when 'reservation' then quantity = 0 and reserved > 0 and order_id is not null
      when 'release' then quantity = 0 and reserved < 0 and order_id is not null
      when 'commitment' then quantity < 0 and reserved = quantity and order_id is not null
      when 'return' then quantity > 0 and reserved = 0 and order_id is not null
      else false
    end
  ),
  -- A step of the saga moves an order's stock at most once, however often it is delivered.
  constraint movement_once unique (order_id, product_id, kind)
);
create index movements_by_product on stock.movements (product_id, id desc);

create function stock.apply_movement() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  update stock.levels set on_hand = on_hand + new.quantity, reserved = reserved + new.reserved
  where product_id = new.product_id;
  if not found then
    insert into stock.levels as level (product_id, on_hand, reserved)
    values (new.product_id, new.quantity, new.reserved)
    on conflict (product_id) do update
      set on_hand = level.on_hand + new.quantity, reserved = level.reserved + new.reserved;
  end if;
  return null;
end
$$;
create trigger apply_movement after insert on stock.movements
  for each row execute function stock.apply_movement();

-- The roles that lock a level may "update" its key, because PostgreSQL asks for that before it locks a row.
create function stock.refuse_new_product() returns trigger
language plpgsql set search_path = '' as $$
begin
  raise exception 'the level of product % stays with it', old.product_id
    using errcode = 'integrity_constraint_violation', constraint = 'level_keeps_its_product';
end
$$;
create trigger refuse_new_product before update of product_id on stock.levels
  for each row when (old.product_id is distinct from new.product_id) execute function stock.refuse_new_product();

create table stock.reservations (
  order_id kernel.order_id not null,
  product_id kernel.product_id not null references catalog.products (id),
  quantity integer not null check (quantity > 0),
  state text not null default 'held' check (state in ('held', 'committed', 'released', 'returned')),
  expires_at timestamptz not null,
  primary key (order_id, product_id)
);
create index reservations_expiring on stock.reservations (expires_at) where state = 'held';

grant select, insert on catalog.products to catalog_api;
grant update (sku, name, description, price_amount, price_currency, active, version, updated_at)
  on catalog.products to catalog_api;
grant select, insert, update on catalog.idempotency_keys to catalog_api;
grant select (expires_at), delete on catalog.idempotency_keys to jobs;

grant select, insert on stock.movements to catalog_api, saga;
grant select on stock.levels to catalog_api, saga;
-- To lock a level before moving it; the CHECKs and the trigger own its numbers.
grant update (product_id) on stock.levels to catalog_api, saga;
grant select, insert on stock.reservations to saga;
grant update (state) on stock.reservations to saga;
