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
  const below = () => (filter.category === undefined ? undefined : withBelow(sql, filter.category));
  // A search meets few products, so it need not know the categories to find them by an index.
  const categories = sort.by === 'relevance' ? undefined : await below();
  const read = (search?: Search) =>
    readRows(sql, { ...filter, categories, search, sort, after, limit: limit + 1, costs });
  let rows = await read(filter.q === undefined ? undefined : { words: wordsOf(filter.q), beginnings: 'some' });
  if (rows.length === 0 && filter.q !== undefined) {
    await below();
    rows = await searchFurther(sql, wordsOf(filter.q), read);
  }
  const { data, ...rest } = toPage(listName, rows, limit, sort.keyOf);
  return { data: data.map(toListed), ...rest };
}

type Search = { words: readonly string[]; beginnings: 'any' | 'some' };

/**
 * When nothing has the words: what has the last as the beginning of a word of its description, or else what is meant by them.
 * @throws Problem search-without-words
 */
async function searchFurther(sql: Sql, words: readonly string[], read: (search: Search) => Promise<ListRow[]>) {
  if (!(await hasWords(sql, words))) throw withoutWords();
  const described = await read({ words, beginnings: 'any' });
  if (described.length > 0) return described;
  const meant = await corrected(sql, words);
  return meant === undefined ? [] : read({ words: meant, beginnings: 'some' });
}

type Reading = Omit<ProductFilter, 'sort'> &
  Costs & {
    categories: readonly string[] | undefined;
    search: Search | undefined;
    sort: Sort;
    after: string | undefined;
    limit: number;
  };

async function readRows(sql: Sql, { search, sort, after, limit, costs, ...filter }: Reading): Promise<ListRow[]> {
  const query = search && asQuery(sql, search.words, search.beginnings);
  const where = sql`true ${conditions(sql, filter)} ${query === undefined ? sql`` : sql`and search @@ (${query})`}`;
  const ranked = sort.by === 'relevance';
  const inner = ranked ? rankedMatches(sql, where, search!, { costs }) : sql`catalog.products`;
  return sql<ListRow[]>`
    select ${columns(sql, { costs })}, ${availability(sql)} as availability ${ranked ? sql`, score` : sql``}
    from ${inner} found
    where ${ranked ? sql`true` : where} ${after === undefined ? sql`` : sort.after(sql, after)}
    order by ${sort.order(sql)}
    limit ${limit}`;
}

/** The newest products that meet a condition, with how well each meets the search. No more than those are ranked. */
const rankedMatches = (sql: Sql, where: Fragment, { words, beginnings }: Search, costs: Costs): Fragment => sql`(
  select ${columns(sql, costs)}, (1000000 * ts_rank(search, (${asQuery(sql, words, 'any')})))::integer as score
  from (${beginnings === 'any' ? newestOf(sql, where) : newestByStretches(sql, where)}) newest
    join catalog.products using (id)
)`;

const newestOf = (sql: Sql, where: Fragment): Fragment => sql`
  select id from catalog.products found where ${where} order by no desc limit ${mostRanked}`;

/**
 * One stretch of the products after the other, until there are enough: PostgreSQL goes through `catalog.stretches` in its order,
 * and no further than the limit.
 */
const newestByStretches = (sql: Sql, where: Fragment): Fragment => sql`
  select newest.id
  from catalog.stretches cross join lateral (${newestOf(sql, sql`${where} and search @@ stretches.blocks`)}) newest
  limit ${mostRanked}`;

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

/** @param categories the one that is asked for, with all below it; without them, PostgreSQL looks them up */
function conditions(
  sql: Sql,
  { categories, ...filter }: ProductFilter & { categories: readonly string[] | undefined },
): Fragment {
  const { active, sku, category, brand, attribute = {}, priceFrom, priceTo, currency, inStock } = filter;
  return sql`
    ${active === undefined ? sql`` : active ? sql`and active` : sql`and not active`}
    ${sku === undefined ? sql`and parent_id is null` : sql`and sku = ${sku} ${active ? ofActive(sql) : sql``}`}
    ${category === undefined ? sql`` : sql`and ${categories === undefined ? isBelow(sql, category) : inCategories(sql, categories)}`}
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

/** Not as a join, which PostgreSQL would plan again with all else. */
const isBelow = (sql: Sql, category: string): Fragment => sql`
  coalesce(category_id in (select id from catalog.categories where ${category} = any (path)), false)`;

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
