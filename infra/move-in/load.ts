import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { loadCoupons } from './load-coupons.ts';
import { loadCustomers } from './load-customers.ts';
import { loadOrders } from './load-orders.ts';
import { loadProducts } from './load-products.ts';
import { type Counts, type Loading, sourceOf } from './loading.ts';
import { type Kind, kinds, type Source } from './read-rows.ts';

export type { Counts, Loading } from './loading.ts';

export const loaders: Record<Kind, (loading: Loading) => Promise<Counts>> = {
  products: loadProducts,
  customers: loadCustomers,
  coupons: loadCoupons,
  orders: loadOrders,
};

type Options = Pick<Loading, 'sql' | 'mapping' | 'clock' | 'onBatch'> & { sources: readonly Source[]; out: string };

export const rejectedFile = (out: string): string => join(out, 'rejected.ndjson');

/**
 * Writes what moves in: products with categories and stock, customers, coupons, past orders. What is there already stays, or follows the
 * file if nobody has changed it here. Rows that do not fit are written to `rejected.ndjson` in `out`, without password hashes.
 * @throws MoveInRefused
 */
export async function loadShop({ out, ...options }: Options): Promise<Partial<Record<Kind, Counts>>> {
  await mkdir(out, { recursive: true, mode: 0o700 });
  const rejected = createWriteStream(rejectedFile(out), { mode: 0o600 });
  const hashPlaces = options.mapping.customers.passwordHash;
  const secret = new Set<string>([hashPlaces ?? []].flat().filter((place) => typeof place === 'string'));
  const reject: Loading['reject'] = (kind, { row, raw }, reason) => {
    const shown = Object.fromEntries(Object.entries(raw).filter(([name]) => !secret.has(name)));
    rejected.write(`${JSON.stringify({ kind, row, reason, raw: shown })}\n`);
  };
  const loading: Loading = { ...options, reject };
  const counts: Partial<Record<Kind, Counts>> = {};
  try {
    for (const kind of kinds) if (sourceOf(loading, kind) !== undefined) counts[kind] = await loaders[kind](loading);
  } finally {
    rejected.end();
    await finished(rejected);
  }
  return counts;
}
