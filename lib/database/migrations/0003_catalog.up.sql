create schema catalog;

create table catalog.categories (
  id kernel.category_id primary key,
  parent_id kernel.category_id references catalog.categories (id),
  -- The ids from the top of the tree down to this one.
  path text[] collate "C" not null check (cardinality(path) between 1 and 5),
  slug text collate "C" not null check (length(slug) <= 64 and slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'),
  name text not null check (length(name) between 1 and 100),
  -- Among siblings.
  position integer not null default 0 check (position >= 0),
  version integer not null default 1 check (version >= 1),
  created_at timestamptz not null,
  updated_at timestamptz not null,
  constraint slug_once_among_siblings unique nulls not distinct (parent_id, slug),
  constraint path_leads_here check (
    path[cardinality(path)] = id and path[cardinality(path) - 1] is not distinct from parent_id
  )
);

create table catalog.products (
  id kernel.product_id primary key,
  sku text collate "C" not null unique check (length(sku) between 1 and 64),
  name text not null check (length(name) between 1 and 200),
  description text check (length(description) <= 5000),
  category_id kernel.category_id references catalog.categories (id),
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
  -- What is sold in several forms has options, [{ name, values }], and a variant for each form. It is not sold itself: its
  -- price is the lowest of its variants on sale, and price_most the highest.
  options jsonb check (jsonb_typeof(options) = 'array' and jsonb_array_length(options) > 0),
  price_most bigint check (price_most between price_amount and 100000000),
  variant_skus text not null default '',
  -- A variant has a value of each option of its product.
  parent_id kernel.product_id references catalog.products (id),
  option_values jsonb check (jsonb_typeof(option_values) = 'object'),
  active boolean not null default true,
  version integer not null default 1 check (version >= 1),
  created_at timestamptz not null,
  updated_at timestamptz not null,
  -- What `q` searches. Numbers of models are words: without the signs before them, `X-100` has no number -100. A variant is
  -- found as its product.
  search tsvector not null generated always as (case when parent_id is not null then ''::tsvector else
    setweight(to_tsvector('pg_catalog.english', translate(name || ' ' || sku || ' ' || variant_skus, '-_./', '    ')), 'A')
    || setweight(to_tsvector('pg_catalog.simple', translate(name || ' ' || sku || ' ' || variant_skus, '-_./', '    ')), 'A')
    || setweight(to_tsvector('pg_catalog.english', translate(coalesce(brand, ''), '-_./', '    ')), 'B')
    || setweight(to_tsvector('pg_catalog.simple', translate(coalesce(brand, ''), '-_./', '    ')), 'B')
    || setweight(jsonb_to_tsvector('pg_catalog.english', attributes, '["string"]'), 'C')
    || setweight(jsonb_to_tsvector('pg_catalog.english', coalesce(options, '[]'), '["string"]'), 'C')
    || setweight(to_tsvector('pg_catalog.english', coalesce(description, '')), 'D')
  end) stored,
  constraint cost_has_currency check ((cost_amount is null) = (cost_currency is null)),
  constraint variant_has_values check ((parent_id is null) = (option_values is null)),
  constraint variant_has_no_options check (parent_id is null or options is null)
);
create unique index variant_once on catalog.products (parent_id, option_values) where parent_id is not null;
create index products_search on catalog.products using gin (search) with (fastupdate = off);
create index products_attributes on catalog.products using gin (attributes jsonb_path_ops) with (fastupdate = off);
create index products_by_brand on catalog.products (lower(brand), id desc) where parent_id is null;
create index products_by_price on catalog.products (price_amount, id) where active and parent_id is null;
create index products_by_category on catalog.products (category_id, id desc) where parent_id is null;
create index products_on_sale on catalog.products (id desc) where active and parent_id is null;
create index products_off_sale on catalog.products (id desc) where not active and parent_id is null;

-- Every word that a name or brand has had, so that a search finds the one that is meant by a word with a typing error.
create extension pg_trgm with schema catalog;
create table catalog.words (
  word text collate "C" primary key check (length(word) between 4 and 40)
);
create index words_by_trigrams on catalog.words using gin (word catalog.gin_trgm_ops);

create function catalog.learn_words() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  -- In one order, so that two products with the same new words do not wait for each other.
  insert into catalog.words
  select lexeme from unnest(to_tsvector('pg_catalog.simple', translate(new.name || ' ' || coalesce(new.brand, ''), '-_./', '    ')))
  where length(lexeme) between 4 and 40 and lexeme !~ '[0-9]'
  order by lexeme
  on conflict do nothing;
  return null;
end
$$;
create trigger learn_words after insert or update of name, brand on catalog.products
  for each row execute function catalog.learn_words();

create table catalog.idempotency_keys (like customers.idempotency_keys including all);

grant usage on schema catalog to catalog_api, catalog_reader, jobs;

grant select, insert on catalog.products to catalog_api;
grant select on catalog.products to catalog_reader;
grant select, insert, update (parent_id, path, slug, name, position, version, updated_at)
  on catalog.categories to catalog_api;
grant select on catalog.categories, catalog.words to catalog_reader;
grant update (sku, name, description, category_id, brand, images, attributes, metadata, price_amount, price_currency,
  cost_amount, cost_currency, tax_class, weight, options, price_most, variant_skus, option_values, active, version, updated_at)
  on catalog.products to catalog_api;
grant select, insert, update on catalog.idempotency_keys to catalog_api;

grant select (expires_at), delete on catalog.idempotency_keys to jobs;
