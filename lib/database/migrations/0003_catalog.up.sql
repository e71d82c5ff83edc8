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

-- What a search matches besides whole words: the beginnings of words, so that the beginning of a word is one lexeme in the
-- index, as each word is. An index would gather all words that begin so, with all their products, for each search.
create function catalog.beginnings(words tsvector) returns tsvector
language sql immutable parallel safe
return (
  select coalesce(pg_catalog.array_to_tsvector(pg_catalog.array_agg('^' || pg_catalog.left(word, n))), '')
  from pg_catalog.unnest(pg_catalog.tsvector_to_array(words)) word,
    pg_catalog.generate_series(1, least(pg_catalog.length(word), 12)) n
);

-- What finds words that begin so, by their beginnings if they have it: if it is short, and one word.
create function catalog.begins_with(typed text) returns tsquery
language sql immutable parallel safe
return case
  when pg_catalog.cardinality(pg_catalog.tsvector_to_array(pg_catalog.to_tsvector('pg_catalog.simple', typed))) = 1
    and pg_catalog.length((pg_catalog.tsvector_to_array(pg_catalog.to_tsvector('pg_catalog.simple', typed)))[1]) <= 12
  then pg_catalog.quote_literal('^' || (pg_catalog.tsvector_to_array(pg_catalog.to_tsvector('pg_catalog.simple', typed)))[1])::tsquery
  else pg_catalog.to_tsquery('pg_catalog.simple', typed || ':*')
end;

-- The blocks that a product is in, by its number: of 2^9 numbers, of 2^11, …, of all. So a search can be kept to new products.
create function catalog.blocks(no bigint) returns tsvector
language sql immutable parallel safe
return pg_catalog.array_to_tsvector(array[
  '#9/' || (no >> 9)::text, '#11/' || (no >> 11)::text, '#13/' || (no >> 13)::text, '#15/' || (no >> 15)::text,
  '#17/' || (no >> 17)::text, '#19/' || (no >> 19)::text, '#62/0'
]);

create table catalog.products (
  -- First what lists narrow and sort by: PostgreSQL reads a row from its first column to the last one that it needs.
  id kernel.product_id primary key,
  -- In the order in which they were added.
  no bigint not null generated always as identity,
  active boolean not null default true,
  -- A variant has a value of each option of its product.
  parent_id kernel.product_id references catalog.products (id),
  category_id kernel.category_id references catalog.categories (id),
  -- In minor units of the currency.
  price_amount bigint not null check (price_amount between 0 and 100000000),
  price_currency kernel.currency not null,
  brand text check (length(brand) between 1 and 100),
  attributes jsonb not null default '{}' check (jsonb_typeof(attributes) = 'object'),
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
    || catalog.beginnings(
      to_tsvector('pg_catalog.simple',
        translate(name || ' ' || sku || ' ' || variant_skus || ' ' || coalesce(brand, ''), '-_./', '    '))
      || jsonb_to_tsvector('pg_catalog.simple', attributes, '["string"]')
      || jsonb_to_tsvector('pg_catalog.simple', coalesce(options, '[]'), '["string"]'))
    || catalog.blocks(no)
  end) stored,
  sku text collate "C" not null unique check (length(sku) between 1 and 64),
  name text not null check (length(name) between 1 and 200),
  description text check (length(description) <= 5000),
  images jsonb not null default '[]' check (jsonb_typeof(images) = 'array'),
  -- What clients keep here for themselves.
  metadata jsonb not null default '{}' check (jsonb_typeof(metadata) = 'object'),
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
  option_values jsonb check (jsonb_typeof(option_values) = 'object'),
  version integer not null default 1 check (version >= 1),
  created_at timestamptz not null,
  updated_at timestamptz not null,
  constraint cost_has_currency check ((cost_amount is null) = (cost_currency is null)),
  constraint variant_has_values check ((parent_id is null) = (option_values is null)),
  constraint variant_has_no_options check (parent_id is null or options is null)
);
create unique index products_by_number on catalog.products (no);
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

-- The products by age: first the newest five hundred or more, then about four times as many each time, at last all others. A
-- search that goes through them one after the other, and stops when it has enough, reads few more matches than it needs.
create view catalog.stretches as
  select (blocks || coalesce(' & !' || lag(blocks) over (order by bits), ''))::tsquery as blocks
  from (
    -- The newest two blocks of a size.
    select bits, format('(''#%1$s/%2$s'' | ''#%1$s/%3$s'')', bits, last >> bits, (last >> bits) - 1) as blocks
    from (select max(no) as last from catalog.products) newest, unnest('{9,11,13,15,17,19,62}'::integer[]) bits
    where bits = 62 or last >> bits > 1
  ) each
  order by bits;

create table catalog.idempotency_keys (like customers.idempotency_keys including all);

grant usage on schema catalog to catalog_api, catalog_reader, jobs;

grant select, insert on catalog.products to catalog_api;
grant select on catalog.products, catalog.stretches to catalog_reader;
grant select, insert, update (parent_id, path, slug, name, position, version, updated_at)
  on catalog.categories to catalog_api;
grant select on catalog.categories, catalog.words to catalog_reader;
grant update (sku, name, description, category_id, brand, images, attributes, metadata, price_amount, price_currency,
  cost_amount, cost_currency, tax_class, weight, options, price_most, variant_skus, option_values, active, version, updated_at)
  on catalog.products to catalog_api;
grant select, insert, update on catalog.idempotency_keys to catalog_api;

grant select (expires_at), delete on catalog.idempotency_keys to jobs;
