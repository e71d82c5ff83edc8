import type { Fragment, Sql } from 'postgres';
import type * as contract from '../../contract/api/catalog.ts';
import { decodeCursor, toPage } from '../../contract/api/cursor.ts';
import { Problem } from '../../contract/api/problems.ts';
import { categoryUnknown } from './category-tree.ts';
import { type Costs, columns, type ProductRow, toProduct } from './products.sql.ts';
import { asQuery, corrected, hasWords, wordsOf } from './words.sql.ts';

export type ProductFilter = {
  /** On sale, off sale, or either without it. */
  active?: boolean | undefined;
  sku?: string | undefined;
  /** Words to search for. */
  q?: string | undefined;
  /** A category, and all below it. */
  category?: string | undefined;
  brand?: string | undefined;
  /** Values by the name of the attribute, as text. */
  attribute?: Readonly<Record<string, string>> | undefined;
  priceFrom?: number | undefined;
  priceTo?: number | undefined;
  currency?: string | undefined;
  /** Only what can be ordered now. */
  inStock?: boolean | undefined;
  sort?: contract.ProductSort | undefined;
};

type Paging = { limit: number; cursor?: string | undefined };
export type ListRow = ProductRow & { availability: contract.ListedProduct['availability']; score?: number };

/** How many matches of a search are put into the order of relevance: the newest. */
const mostRanked = 100;

const idForm = /^prd_[0-9a-f]{32}$/;
const pairForm = /^\d{1,10}-prd_[0-9a-f]{32}$/;

/**
 * A page of the products that meet all of a filter: the best matches first of a search, else the newest.
 * @throws Problem invalid-cursor, category-unknown; search-without-words when `q` has none that can be searched for
 */
export async function listProducts(
  sql: Sql,
  filter: ProductFilter,
  { limit, cursor }: Paging,
  { costs }: Costs = { costs: false },
) {
  const listName = listNameOf(filter);
  const sort = sortOf(filter);
  const after = cursor === undefined ? undefined : decodeListCursor(filter, cursor);
  const categories = filter.category === undefined ? undefined : await withBelow(sql, filter.category);
  const read = (words: readonly string[] | undefined) =>
    readRows(sql, { ...filter, categories, words, sort, after, limit: limit + 1, costs });
  const words = filter.q === undefined ? undefined : wordsOf(filter.q);
  let rows = await read(words);
  if (rows.length === 0 && words !== undefined) {
    if (!(await hasWords(sql, words))) throw withoutWords();
    const meant = await corrected(sql, words);
    if (meant !== undefined) rows = await read(meant);
  }
  const { data, ...rest } = toPage(listName, rows, limit, sort.keyOf);
  return { data: data.map(toListed), ...rest };
}

type Reading = Omit<ProductFilter, 'sort'> &
  Costs & {
    categories: readonly string[] | undefined;
    words: readonly string[] | undefined;
    sort: Sort;
    after: string | undefined;
    limit: number;
  };

async function readRows(sql: Sql, { words, sort, after, limit, costs, ...filter }: Reading): Promise<ListRow[]> {
  const query = words && asQuery(sql, words);
  const where = sql`true ${conditions(sql, filter)} ${query === undefined ? sql`` : sql`and search @@ ${query}`}`;
  const ranked = sort.by === 'relevance';
  // Above the limit, so that no more than those are ranked.
  const inner = ranked
    ? sql`(
        select newest.*, (1000000 * ts_rank(search, ${query!}))::integer as score
        from (
          select ${columns(sql, { costs })}, search from catalog.products found
          where ${where} order by id desc limit ${mostRanked}
        ) newest
      )`
    : sql`catalog.products`;
  return sql<ListRow[]>`
    select ${columns(sql, { costs })}, ${availability(sql)} as availability ${ranked ? sql`, score` : sql``}
    from ${inner} found
    where ${ranked ? sql`true` : where} ${after === undefined ? sql`` : sort.after(sql, after)}
    order by ${sort.order(sql)}
    limit ${limit}`;
}

/**
 * The key of the last product before a page.
 * @throws Problem invalid-cursor
 */
export const decodeListCursor = (filter: ProductFilter, cursor: string): string =>
  decodeCursor(listNameOf(filter), cursor, sortOf(filter).form);

/** The list that a cursor belongs to: a cursor leads on in the list of one filter alone. */
export function listNameOf({ active, sku: _, ...others }: ProductFilter): string {
  const given = Object.entries(others)
    .filter(([, value]) => value !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  const all = active === false ? 'list-products off sale' : 'list-products';
  return given.length === 0 ? all : `${all} ${JSON.stringify(given)}`;
}

/** @param categories the one that is asked for, with all below it */
function conditions(
  sql: Sql,
  { categories, ...filter }: ProductFilter & { categories: readonly string[] | undefined },
): Fragment {
  const { active, sku, brand, attribute = {}, priceFrom, priceTo, currency, inStock } = filter;
  return sql`
    ${active === undefined ? sql`` : active ? sql`and active` : sql`and not active`}
    ${sku === undefined ? sql`and parent_id is null` : sql`and sku = ${sku} ${active ? ofActive(sql) : sql``}`}
    ${categories === undefined ? sql`` : sql`and ${inCategories(sql, categories)}`}
    ${brand === undefined ? sql`` : sql`and lower(brand) = lower(${brand})`}
    ${Object.entries(attribute).reduce((all, [name, value]) => sql`${all} and (${anyOf(sql, name, value)})`, sql``)}
    ${priceFrom === undefined ? sql`` : sql`and price_amount >= ${priceFrom}`}
    ${priceTo === undefined ? sql`` : sql`and price_amount <= ${priceTo}`}
    ${currency === undefined ? sql`` : sql`and price_currency = ${currency}`}
    ${inStock === undefined ? sql`` : sql`and ${availability(sql)} <> 'out_of_stock'`}`;
}

/** A variant goes off sale with its product. */
const ofActive = (sql: Sql): Fragment => sql`
  and (parent_id is null or exists (select from catalog.products p where p.id = found.parent_id and p.active))`;

/** One by `=`: an index has its products in their order. */
const inCategories = (sql: Sql, categories: readonly string[]): Fragment =>
  categories.length === 1
    ? sql`category_id = ${categories[0]!}`
    : sql`category_id = any (string_to_array(${categories.join(',')}, ','))`;

/** @throws Problem category-unknown */
async function withBelow(sql: Sql, category: string): Promise<string[]> {
  const rows = await sql<{ id: string }[]>`select id from catalog.categories where ${category} = any (path)`;
  if (rows.length === 0) throw categoryUnknown('?category', category);
  return rows.map(({ id }) => id);
}

/** In a URL every value is text: `5` may be text or a number, `true` text or the truth. */
function anyOf(sql: Sql, name: string, value: string): Fragment {
  const values: (string | number | boolean)[] = [value];
  if (/^-?\d{1,15}(\.\d{1,15})?$/.test(value)) values.push(Number(value));
  if (value === 'true' || value === 'false') values.push(value === 'true');
  return values
    .map((each) => sql`attributes @> ${JSON.stringify({ [name]: each })}::text::jsonb`)
    .reduce((all, each) => sql`${all} or ${each}`);
}

/**
 * Sub-selects, so that stock is read of the products of the page alone. A product with options has the best availability of its
 * variants on sale.
 */
export const availability = (sql: Sql): Fragment => sql`
  coalesce(case when found.options is null
    then (select a.availability from catalog.availability a where a.product_id = found.id)
    else (
      select a.availability from catalog.products v join catalog.availability a on a.product_id = v.id
      where v.parent_id = found.id and v.active
      order by a.availability = 'in_stock' desc, a.availability = 'low' desc limit 1
    )
  end, 'out_of_stock')`;

type Sort = {
  by: contract.ProductSort;
  form: RegExp;
  order: (sql: Sql) => Fragment;
  after: (sql: Sql, last: string) => Fragment;
  keyOf: (row: ListRow) => string;
};

/** The number and the id of a cursor. */
const pair = (last: string): [number, string] => {
  const [number = '', id = ''] = last.split('-');
  return [Number(number), id];
};

const sorts: readonly Sort[] = [
  {
    by: '-createdAt',
    form: idForm,
    order: (sql) => sql`id desc`,
    after: (sql, last) => sql`and id < ${last}`,
    keyOf: ({ id }) => id,
  },
  {
    by: 'createdAt',
    form: idForm,
    order: (sql) => sql`id`,
    after: (sql, last) => sql`and id > ${last}`,
    keyOf: ({ id }) => id,
  },
  {
    by: 'price',
    form: pairForm,
    order: (sql) => sql`price_amount, id`,
    after: (sql, last) => sql`and (price_amount, id) > (${pair(last)[0]}, ${pair(last)[1]})`,
    keyOf: ({ priceAmount, id }) => `${priceAmount}-${id}`,
  },
  {
    by: '-price',
    form: pairForm,
    order: (sql) => sql`price_amount desc, id desc`,
    after: (sql, last) => sql`and (price_amount, id) < (${pair(last)[0]}, ${pair(last)[1]})`,
    keyOf: ({ priceAmount, id }) => `${priceAmount}-${id}`,
  },
  {
    by: 'relevance',
    form: pairForm,
    order: (sql) => sql`score desc, id desc`,
    after: (sql, last) => sql`and (score, id) < (${pair(last)[0]}, ${pair(last)[1]})`,
    keyOf: ({ score, id }) => `${score}-${id}`,
  },
];

const sortOf = ({ sort, q }: ProductFilter): Sort =>
  sorts.find(({ by }) => by === (sort ?? (q === undefined ? '-createdAt' : 'relevance')))!;

export const toListed = (row: ListRow): contract.ListedProduct => ({
  ...toProduct(row),
  availability: row.availability,
});

const withoutWords = (): Problem =>
  new Problem('search-without-words', 'Search for words that say more than “the” or “of”.', {
    errors: [{ pointer: '?q', detail: 'has no word to search for' }],
  });
