import { isDeepStrictEqual } from 'node:util';
import { emailOfOrder, type OrderRecord } from './order.ts';
import { statusHere, toDocument } from './order-document.ts';
import type { Verifying } from './verifying.ts';

type Here = {
  id: string;
  number: string;
  email: string | null;
  customerId: string;
  status: string;
  currency: string;
  total: number;
  document: Record<string, Record<string, unknown> | Record<string, unknown>[]> | null;
};
type Sum = { orders: number; total: number };

/** Which fields of an order and of its lines follow from the file alone. */
const orderFields = [
  'number',
  'currency',
  'subtotal',
  'discount_amount',
  'coupon_code',
  'shipping_amount',
  'tax_amount',
  'total',
  'created_at',
  'status',
  'shipping_address',
  'billing_address',
  'contact',
  'note',
];
const lineFields = ['name', 'quantity', 'unit_price', 'total', 'discount', 'tax'];
const refundFields = ['id', 'amount', 'shipping_amount', 'reason', 'updated_at'];

/** Compares past orders, batch after batch, and then their sums. `emails` are those of customers by their old ids. */
export function verifyOrders({ sql, mapping, samples, differ }: Verifying, emails: ReadonlyMap<string, string>) {
  const [wanted, givenBack] = [new Map<string, Sum>(), new Map<string, Sum>()];
  let left = samples;

  /** Every order by its key; of each batch some in every field. */
  const batch = async (all: readonly OrderRecord[]): Promise<void> => {
    // An order of nobody does not fit.
    const records = all.filter((record) => emailOfOrder(record, emails) !== undefined);
    if (records.length === 0) return;
    const sampled = new Set(
      records
        .toSorted((a, b) => (hashOf(a) < hashOf(b) ? -1 : 1))
        .slice(0, Math.max(1, Math.min(left, 50)))
        .map(({ id }) => id),
    );
    left -= sampled.size;
    const rows = await sql<Here[]>`
      select k.id, k.number, c.email, k.customer_id, k.status, k.currency, k.total::float8 as total,
        case when k.id in (select jsonb_array_elements_text(${JSON.stringify([...sampled])}::text::jsonb))
          then p.documents -> k.id::text end as document
      from archive.order_keys k
      join archive.pages p on p.id = k.page_id
      join customers.customers c on c.id = k.customer_id
      where k.id in (select jsonb_array_elements_text(${JSON.stringify(records.map(({ id }) => id))}::text::jsonb))`;
    const here = new Map(rows.map((row) => [row.id, row]));
    for (const record of records) {
      const month = `${record.currency} ${record.placedAt.toISOString().slice(0, 7)}`;
      const sum = wanted.get(month) ?? { orders: 0, total: 0 };
      wanted.set(month, { orders: sum.orders + 1, total: sum.total + record.total });
      const row = here.get(record.id);
      for (const { at, amount } of record.refunds) {
        const given = `${record.currency} ${at.toISOString().slice(0, 7)}`;
        const before = givenBack.get(given) ?? { orders: 0, total: 0 };
        givenBack.set(given, { orders: before.orders + 1, total: before.total + amount });
      }
      if (row === undefined) differ('orders', record.oldId, 'is missing');
      else compare(record, row);
    }
  };

  function compare(record: OrderRecord, row: Here): void {
    const email = emailOfOrder(record, emails);
    // Erased customers have no address any more, and their orders say nothing of them.
    if (row.email !== null && row.email !== email) differ('orders', record.oldId, 'is of another customer');
    if (row.total !== record.total || row.currency !== record.currency)
      differ(
        'orders',
        record.oldId,
        `has the total ${row.total} ${row.currency} and not ${record.total} ${record.currency}`,
      );
    const status = statusHere(record);
    if (row.status !== status) differ('orders', record.oldId, `is ${row.status} and not ${status}`);
    if (row.document === null || row.email === null) return;
    const { document } = toDocument(record, {
      customerId: row.customerId,
      products: new Map(),
      source: mapping.source,
    });
    const order = document.order as Record<string, unknown>;
    const found = row.document.order as Record<string, unknown>;
    for (const name of orderFields)
      if (!isDeepStrictEqual(found[name] ?? null, order[name] ?? null))
        differ('orders', record.oldId, `differs in ${name}`);
    const lines = (of: unknown) =>
      (of as Record<string, unknown>[]).map((line) => lineFields.map((name) => line[name] ?? null));
    if (!isDeepStrictEqual(lines(row.document.lines), lines(document.lines)))
      differ('orders', record.oldId, 'differs in its lines');
    const refunds = (of: unknown) =>
      (of as Record<string, unknown>[]).map((refund) => refundFields.map((name) => refund[name] ?? null));
    if (!isDeepStrictEqual(refunds(row.document.refunds), refunds(document.refunds)))
      differ('orders', record.oldId, 'differs in its refunds');
  }

  /** Compares what the orders’ documents and their refunds, which are what reports read, add up to. Returns how many orders there should be. */
  const sums = async (): Promise<number> => {
    const rows = await sql<(Sum & { month: string; kind: 'orders' | 'refunds' })[]>`
      select s.kind, (d.value #>> '{order,currency}') || ' ' || s.month as month, count(*)::float8 as orders,
        sum(s.amount)::float8 as total
      from archive.pages p, jsonb_each(p.documents) d, lateral (
        select 'orders' as kind, to_char(p.month, 'YYYY-MM') as month, (d.value #>> '{order,total}')::bigint as amount
        union all
        select 'refunds', to_char((r ->> 'updated_at')::timestamptz at time zone 'UTC', 'YYYY-MM'), (r ->> 'amount')::bigint
        from jsonb_array_elements(d.value -> 'refunds') r
      ) s
      where d.value #>> '{movedIn,source}' = ${mapping.source}
      group by 1, 2`;
    const of = (kind: 'orders' | 'refunds') =>
      new Map(rows.filter((row) => row.kind === kind).map(({ month, ...sum }) => [month, sum]));
    compareSums(wanted, of('orders'), 'orders');
    compareSums(givenBack, of('refunds'), 'refunds');
    return [...wanted.values()].reduce((count, { orders }) => count + orders, 0);
  };

  function compareSums(want: ReadonlyMap<string, Sum>, have: ReadonlyMap<string, Sum>, of: 'orders' | 'refunds'): void {
    const nothing = { orders: 0, total: 0 };
    for (const month of new Set([...want.keys(), ...have.keys()])) {
      const [wants, has] = [want.get(month) ?? nothing, have.get(month) ?? nothing];
      if (wants.orders !== has.orders || wants.total !== has.total)
        differ(
          'orders',
          month,
          `has ${has.orders} ${of} of ${has.total} and not ${wants.orders} of ${wants.total} (minor units)`,
        );
    }
  }
  return { batch, sums };
}

/** The hash at the end of an id is as good as chance, and the same each time. */
const hashOf = ({ id }: OrderRecord): string => id.slice(-15);
