import type { Mapping } from './mapping.ts';
import type { Kind, Source } from './read-rows.ts';
import { type Records, readRecords } from './records.ts';
import { verifyCustomers, verifyProducts } from './verify-accounts.ts';
import { verifyCoupons } from './verify-coupons.ts';
import { verifyOrders } from './verify-orders.ts';
import type { Difference, Verifying } from './verifying.ts';

export type Verification = { compared: Partial<Record<Kind, number>>; differences: Difference[] };

const batchRows = 500;

/**
 * Compares what is here with the files: that each row that fits is here, products, customers and coupons in every field, orders by
 * customer, status and total and some in every field, and the orders’ count and sum of each currency and month. Changes nothing.
 * @throws MoveInRefused
 */
export async function verifyShop({
  sources,
  ...options
}: Omit<Verifying, 'differ'> & { sources: readonly Source[] }): Promise<Verification> {
  const differences: Difference[] = [];
  const verifying: Verifying = { ...options, differ: (kind, id, what) => differences.push({ kind, id, what }) };
  const of = <K extends Kind>(kind: K) =>
    sources.find((source): source is Source & { kind: K } => source.kind === kind);
  const compared: Verification['compared'] = {};
  const [products, customers, coupons, orders] = [of('products'), of('customers'), of('coupons'), of('orders')];
  const emails = new Map<string, string>();
  if (products !== undefined)
    compared.products = await inBatches(products, options.mapping, (records) => verifyProducts(verifying, records));
  if (customers !== undefined)
    compared.customers = await inBatches(customers, options.mapping, (records) => {
      for (const { oldId, email } of records) if (oldId !== '') emails.set(oldId, email);
      return verifyCustomers(verifying, records);
    });
  if (coupons !== undefined)
    compared.coupons = await inBatches(coupons, options.mapping, (records) => verifyCoupons(verifying, records));
  if (orders !== undefined) {
    const check = verifyOrders(verifying, emails);
    await inBatches(orders, options.mapping, check.batch);
    compared.orders = await check.sums();
  }
  return { compared, differences };
}

async function inBatches<K extends Kind>(
  source: Source & { kind: K },
  mapping: Mapping,
  check: (records: Records[K][]) => Promise<void>,
): Promise<number> {
  let [batch, compared]: [Records[K][], number] = [[], 0];
  for await (const { record } of readRecords(source, mapping)) {
    if (record === undefined) continue;
    compared++;
    if (batch.push(record) < batchRows) continue;
    await check(batch);
    batch = [];
  }
  if (batch.length > 0) await check(batch);
  return compared;
}
