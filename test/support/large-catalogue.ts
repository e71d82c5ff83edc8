import type { TestDatabase } from './postgres.ts';

const hex = (n: number): string => n.toString(16).padStart(32, '0');

/** A tree of 5 × 4 × 10 categories: the numbers of `main` from 1, each with `sub` and `leaf` below it. */
export const categoryIds = {
  main: (n: number) => `cat_${hex(n)}`,
  sub: (n: number) => `cat_${hex(100 + n)}`,
  leaf: (n: number) => `cat_${hex(1000 + n)}`,
};

/**
 * Adds so many products to a database without any, a tenth of them off sale: with names of 40 adjectives and 50 nouns, a
 * description, 500 brands, 200 categories, two attributes and stock of every kind. Product n has the id `prd_` and n, in hex.
 */
export async function fillCatalogue(database: Pick<TestDatabase, 'connect'>, products: number): Promise<void> {
  const admin = database.connect('rdsadmin', { max: 1 });
  try {
    await admin.unsafe(`
      set session_replication_role = 'replica';
      set synchronous_commit = 'off';
      create function pg_temp.id(prefix text, n bigint) returns text language sql immutable
      return prefix || lpad(to_hex(n), 32, '0');
      create function pg_temp.word(kind text, n bigint) returns text language sql immutable
      return kind || translate(n::text, '0123456789', 'abcdefghij');

      -- The same each time, without a pattern.
      create function pg_temp.any(n bigint, below integer) returns bigint language sql immutable
      return (hashint8(n)::bigint & 2147483647) % below;

      insert into catalog.categories (id, parent_id, path, slug, name, created_at, updated_at)
      select id, parent, path, 'c' || n, 'C', now(), now() from (
        select n, pg_temp.id('cat_', n) as id, null as parent, array[pg_temp.id('cat_', n)] as path
        from generate_series(1, 5) n
        union all
        select n, pg_temp.id('cat_', 100 + n), pg_temp.id('cat_', 1 + n % 5),
          array[pg_temp.id('cat_', 1 + n % 5), pg_temp.id('cat_', 100 + n)]
        from generate_series(0, 19) n
        union all
        select n, pg_temp.id('cat_', 1000 + n), pg_temp.id('cat_', 100 + n % 20),
          array[pg_temp.id('cat_', 1 + n % 5), pg_temp.id('cat_', 100 + n % 20), pg_temp.id('cat_', 1000 + n)]
        from generate_series(0, 199) n
      ) c;

      insert into catalog.products (
        id, sku, name, description, category_id, brand, attributes, price_amount, price_currency, active, created_at, updated_at
      )
      select pg_temp.id('prd_', n), 'SKU-' || n,
        initcap(pg_temp.word('adjective', n % 40)) || ' ' || pg_temp.word('noun', pg_temp.any(n, 50)),
        (select string_agg(pg_temp.word('word', (n * 31 + w * w * 977) % 5000), ' ') from generate_series(1, 30) w)
          || case when n % 3 = 0 then ' common' else '' end,
        pg_temp.id('cat_', 1000 + pg_temp.any(-n, 200)), 'Brand ' || pg_temp.word('b', pg_temp.any(n << 20, 500)),
        jsonb_build_object('colour', pg_temp.word('colour', n % 20), 'size', n % 100),
        (n * 7919) % 100000, 'EUR', n % 10 <> 0, now(), now()
      from generate_series(1, ${products}::bigint) n;

      insert into catalog.words
      select distinct lexeme from catalog.products, unnest(to_tsvector('pg_catalog.simple', name || ' ' || brand))
      where length(lexeme) >= 4
      union
      select pg_temp.word('other', n) from generate_series(1, 20000) n;

      insert into stock.levels (product_id, on_hand, reserved)
      select pg_temp.id('prd_', n), n % 50, 0 from generate_series(1, ${products}::bigint) n where n % 5 <> 0;

      reset session_replication_role;
      analyze catalog.products;
      analyze stock.levels;
      analyze catalog.words;
      analyze catalog.categories;`);
  } finally {
    await admin.end();
  }
}
