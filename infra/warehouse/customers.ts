import type { Row } from 'postgres';
import { always } from './dimensions.ts';
import { type Query, relation } from './engine.ts';
import type { DataFile } from './files.ts';

type Segment = 'premium' | 'standard';
/** What changes of a customer, as far as a moment says it. */
type Moment = { at: Date; segment: Segment | null; country: string | null };

/** Segments of customers, as a statement lists them: a guest whose order became a customer's was of none of them. */
export const customerSegments = "'premium', 'standard'";

type Sources = {
  /** What the load before found. */
  known: DataFile | undefined;
  /** The orders that this load has written anew. */
  orders: readonly (DataFile | undefined)[];
  /** Every customer who is not erased, as they are at `at`, by pseudonym. */
  now: AsyncIterable<Row>;
  at: Date;
};

/**
 * The versions of every customer (a slowly changing dimension of type 2). An order says what its buyer was at the moment of the
 * sale, so a sale finds exactly that however rarely somebody loads; a load adds what customers are now. Erased customers have none.
 */
export async function customerVersions(
  query: Query,
  root: string,
  { known, orders, now, at }: Sources,
): Promise<Row[]> {
  const moments = new Map<string, Moment[]>();
  const from = { known: relation(root, 'dim_customer', [known]), orders: relation(root, 'fact_orders', orders) };
  for (const { customer_key, moment, segment, country } of await changesIn(query, from)) {
    const some = moments.get(customer_key) ?? [];
    moments.set(customer_key, some);
    some.push({ at: moment, segment, country });
  }
  const versions: Row[] = [];
  for await (const { customer_key, segment, signed_up } of now) {
    const past = moments.get(customer_key) ?? [];
    // A shop's clock may be ahead of the database's: what somebody is now comes after all that they bought.
    const last = Math.max(at.getTime(), (past.at(-1)?.at.getTime() ?? 0) + 1);
    const all = collapse([...past, { at: new Date(last), segment, country: null }]);
    versions.push(...all.map((version) => ({ customer_key, signed_up, ...version })));
  }
  return versions.toSorted((a, b) => compare(a.customer_key, b.customer_key) || a.valid_from - b.valid_from);
}

/**
 * The moments at which a customer was not what they had been at the moment before, by age: a customer with a thousand orders has a few.
 * Of orders at the same moment the last one counts.
 */
async function changesIn(query: Query, from: { known: string; orders: string }): Promise<Row[]> {
  const { rows } = await query(`
    select customer_key, moment, segment, country from (
      select customer_key, moment, order_id, segment, country, lag(segment) over before as segment_before, lag(country) over before as country_before
      from (
        select customer_key, valid_from as moment, '' as order_id, segment, country from ${from.known}
        union all
        select customer_key, confirmed_at, order_id, case when segment in (${customerSegments}) then segment end, country
        from ${from.orders} where customer_key is not null
      )
      window before as (partition by customer_key order by moment, order_id)
    ) where segment is distinct from segment_before or country is distinct from country_before
    order by customer_key, moment, order_id`);
  return rows as Row[];
}

/** Versions that follow each other without a gap, from the first moment to now. What a moment does not say stays. */
function collapse(moments: readonly Moment[]): Row[] {
  const first = (name: 'segment' | 'country') => moments.find((moment) => moment[name] !== null)?.[name] ?? null;
  let state = { segment: first('segment'), country: first('country') };
  const versions: Row[] = [{ ...state, valid_from: always, valid_to: null }];
  for (const [index, { at, segment, country }] of moments.entries()) {
    state = { segment: segment ?? state.segment, country: country ?? state.country };
    if (moments[index + 1]?.at.getTime() === at.getTime()) continue;
    const last = versions.at(-1)!;
    if (last.segment === state.segment && last.country === state.country) continue;
    last.valid_to = at;
    versions.push({ ...state, valid_from: at, valid_to: null });
  }
  return versions;
}

const compare = (a: string, b: string): number => (a < b ? -1 : Number(a > b));
