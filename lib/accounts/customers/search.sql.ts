import type { Fragment, Sql } from 'postgres';
import { decodeCursor, toPage } from '../../contract/api/cursor.ts';
import type { Customer } from '../../contract/api/customers.ts';
import { type Count, mostCounted } from '../../contract/api/order-search.ts';
import { Problem } from '../../contract/api/problems.ts';
import { estimateOf } from '../../database/estimate.sql.ts';
import { type CustomerRow, shownCustomer, toCustomer } from './customers.sql.ts';

export type CustomerFilter = {
  email?: string | undefined;
  /** Words of a name or an e-mail address, or how they begin. */
  q?: string | undefined;
};

/**
 * A page of customers, newest first, that meet all of a filter. Those who are erased are not among them.
 * @throws Problem invalid-cursor; search-without-words when `q` has no letter or digit
 */
export async function searchCustomers(
  sql: Sql,
  filter: CustomerFilter,
  { limit, cursor }: { limit: number; cursor?: string | undefined },
): Promise<{ data: Customer[]; hasMore: boolean; nextCursor: string | null }> {
  const list = `list-customers ${JSON.stringify(filter)}`;
  const before = cursor === undefined ? undefined : decodeCursor(list, cursor);
  const rows = await sql<CustomerRow[]>`
    select ${shownCustomer(sql)} from ${matches(sql, filter)} ${before === undefined ? sql`` : sql`and id < ${before}`}
    order by id desc
    limit ${limit + 1}`;
  return toPage(list, rows.map(toCustomer), limit);
}

/** How many customers meet a filter: what PostgreSQL expects beyond `mostCounted`, so that no more than that are read. */
export async function countCustomers(sql: Sql, filter: CustomerFilter): Promise<Count> {
  const [row] = await sql<[{ count: number }]>`
    select count(*) from (select 1 from ${matches(sql, filter)} order by id desc limit ${mostCounted + 1}) found`;
  if (row.count <= mostCounted) return { value: row.count, exact: true };
  const estimate = await estimateOf(sql, sql`select 1 from ${matches(sql, filter)}`);
  return { value: Math.max(mostCounted + 1, estimate), exact: false };
}

function matches(sql: Sql, { email, q }: CustomerFilter): Fragment {
  const words = q === undefined ? [] : wordsOf(q);
  return sql`
    customers.customers where erased_at is null
      ${email === undefined ? sql`` : sql`and email = ${email}`}
      ${words.reduce((all, word) => sql`${all} and words like ${`% ${word}%`}`, sql``)}`;
}

/** As the column `words` has them. None of them has a sign that `like` knows. */
function wordsOf(q: string): string[] {
  const words = [
    ...new Set(
      q
        .normalize('NFC')
        .toLowerCase()
        .match(/[\p{L}\p{N}]+/gu),
    ),
  ];
  if (words.length > 0) return words;
  throw new Problem('search-without-words', 'Search for a part of a name or an e-mail address.', {
    errors: [{ pointer: '?q', detail: 'has no word to search for' }],
  });
}
