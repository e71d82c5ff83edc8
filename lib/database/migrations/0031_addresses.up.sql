-- The addresses that customers keep, to choose them for an order. Orders have copies.
create domain kernel.address_id as text collate "C" check (value ~ '^adr_[0-9a-f]{32}$');

create table customers.addresses (
  id kernel.address_id primary key,
  customer_id kernel.customer_id not null references customers.customers (id) on delete cascade,
  address jsonb not null check (jsonb_typeof(address) = 'object'),
  default_shipping boolean not null default false,
  default_billing boolean not null default false,
  version integer not null default 1 check (version >= 1),
  created_at timestamptz not null,
  updated_at timestamptz not null
);
create index addresses_by_customer on customers.addresses (customer_id, created_at, id);
create unique index addresses_default_shipping on customers.addresses (customer_id) where default_shipping;
create unique index addresses_default_billing on customers.addresses (customer_id) where default_billing;

grant select, insert, update (address, default_shipping, default_billing, version, updated_at), delete
  on customers.addresses to customers_api;
grant select on customers.addresses to profiles_api, customer_export;
grant select (customer_id), delete on customers.addresses to customer_erasure;
