create schema catalog;

create table catalog.products (
  id kernel.product_id primary key,
  sku text collate "C" not null unique check (length(sku) between 1 and 64),
  name text not null check (length(name) between 1 and 200),
  description text check (length(description) <= 5000),
  brand text check (length(brand) between 1 and 100),
  images jsonb not null default '[]' check (jsonb_typeof(images) = 'array'),
  attributes jsonb not null default '{}' check (jsonb_typeof(attributes) = 'object'),
  -- What clients keep here for themselves.
  metadata jsonb not null default '{}' check (jsonb_typeof(metadata) = 'object'),
  -- In minor units of the currency.
  price_amount bigint not null check (price_amount between 0 and 100000000),
  price_currency kernel.currency not null,
  -- What a unit costs the shop; not for customers.
  cost_amount bigint check (cost_amount between 0 and 100000000),
  cost_currency kernel.currency,
  tax_class text not null default 'standard' check (tax_class ~ '^[a-z][a-z0-9-]{0,39}$'),
  -- In grams.
  weight integer check (weight between 0 and 100000000),
  active boolean not null default true,
  version integer not null default 1 check (version >= 1),
  created_at timestamptz not null,
  updated_at timestamptz not null,
  constraint cost_has_currency check ((cost_amount is null) = (cost_currency is null))
);
create index products_on_sale on catalog.products (id desc) where active;
create index products_off_sale on catalog.products (id desc) where not active;

create table catalog.idempotency_keys (like customers.idempotency_keys including all);

grant usage on schema catalog to catalog_api, catalog_reader, jobs;

grant select, insert on catalog.products to catalog_api;
grant select on catalog.products to catalog_reader;
grant update (
  sku, name, description, brand, images, attributes, metadata, price_amount, price_currency, cost_amount, cost_currency,
  tax_class, weight, active, version, updated_at
) on catalog.products to catalog_api;
grant select, insert, update on catalog.idempotency_keys to catalog_api;

grant select (expires_at), delete on catalog.idempotency_keys to jobs;
