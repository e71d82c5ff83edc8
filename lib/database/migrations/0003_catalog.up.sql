create schema catalog;

create table catalog.products (
  id kernel.product_id primary key,
  sku text collate "C" not null unique check (length(sku) between 1 and 64),
  name text not null check (length(name) between 1 and 200),
  description text check (length(description) <= 5000),
  -- In minor units of the currency.
  price_amount bigint not null check (price_amount between 0 and 100000000),
  price_currency kernel.currency not null,
  active boolean not null default true,
  version integer not null default 1 check (version >= 1),
  created_at timestamptz not null,
  updated_at timestamptz not null
);
create index products_on_sale on catalog.products (id desc) where active;
create index products_off_sale on catalog.products (id desc) where not active;

create table catalog.idempotency_keys (like customers.idempotency_keys including all);

grant usage on schema catalog to catalog_api, catalog_reader, jobs;

grant select, insert on catalog.products to catalog_api;
grant select on catalog.products to catalog_reader;
grant update (sku, name, description, price_amount, price_currency, active, version, updated_at)
  on catalog.products to catalog_api;
grant select, insert, update on catalog.idempotency_keys to catalog_api;

grant select (expires_at), delete on catalog.idempotency_keys to jobs;
