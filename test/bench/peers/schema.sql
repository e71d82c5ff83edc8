-- The least that an order needs, for peers that keep their saga in a server of their own.
create table stock (
  product_id text primary key,
  on_hand integer not null,
  reserved integer not null default 0,
  check (reserved between 0 and on_hand)
) with (fillfactor = 50);
create table orders (
  id bigint generated always as identity primary key,
  -- The saga's own id. A step that runs again finds its order by it.
  saga_id text not null unique,
  customer text not null,
  total bigint not null,
  status text not null,
  created_at timestamptz not null default now()
);
create table lines (
  order_id bigint not null references orders (id),
  product_id text not null,
  quantity integer not null,
  price bigint not null,
  primary key (order_id, product_id)
);
create table payments (
  order_id bigint primary key references orders (id),
  amount bigint not null,
  reference text not null,
  status text not null
);
