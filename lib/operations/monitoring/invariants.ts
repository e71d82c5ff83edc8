import type { Sql } from 'postgres';
import {
  findUnbalanced,
  forgetOpeningBalances,
  listArchivedPages,
  listBalanced,
  listBrokenPages,
  listLedgerMonths,
  moveOpeningBalances,
} from './balances.sql.ts';
import { checkChangedOrders, checkMovedProducts } from './changes.ts';
import { type CheckDeps, type Checked, checkHistory, type HistoryCheck, toPage } from './check-history.ts';
import { estimateRows } from './checks.sql.ts';
import { listEndedOrders } from './orders.sql.ts';
import {
  checkCoupons,
  checkOrders,
  countViolations,
  invariantsOfOrders,
  keepViolations,
  listCoupons,
  listViolations,
} from './violations.sql.ts';

type Pages = { sql: Sql; now: Date /** Rows that are checked at a time. */; pageSize: number };

/**
 * Checks the invariants of orders, of stock and of coupons: of what changed since the last run, of what broke one before, and of the
 * next slice of everything else.
 * @returns the violations that are known now, and how far the checks have come
 */
export async function checkInvariants(deps: CheckDeps & { pageSize?: number }) {
  const { sql, clock, limitMs, pageSize = 1000 } = deps;
  const now = new Date(clock.now());
  const pages: Pages = { sql, now, pageSize };
  await checkKnown(pages);
  const checks = [orders(pages), levels(pages), ledgers(pages), archivedLedgers(pages), coupons(pages)];
  const come: Checked[] = [];
  for (const check of checks) come.push(await checkHistory({ ...deps, limitMs: limitMs / checks.length }, check));
  return {
    violations: await countViolations(sql, now),
    lag: Math.max(...come.map(({ lag }) => lag)),
    age: Math.max(...come.map(({ age }) => age)),
  };
}

async function checkKnown({ sql, now, pageSize: limit }: Pages): Promise<void> {
  for (let after: string | undefined = ''; after !== undefined; ) {
    const ids = await listViolations(sql, { invariants: ['stock-never-oversold'], after, limit });
    if (ids.length > 0) await checkLevels(sql, ids, now, await listBrokenPages(sql, ids));
    after = ids.length < limit ? undefined : ids.at(-1);
  }
  for (let after: string | undefined = ''; after !== undefined; ) {
    const ids = await listViolations(sql, { invariants: invariantsOfOrders, after, limit });
    if (ids.length > 0) await checkOrders(sql, ids, now);
    after = ids.length < limit ? undefined : ids.at(-1);
  }
  for (let after: string | undefined = ''; after !== undefined; ) {
    const codes = await listViolations(sql, { invariants: ['coupons-within-limits'], after, limit });
    if (codes.length > 0) await checkCoupons(sql, codes, now);
    after = codes.length < limit ? undefined : codes.at(-1);
  }
}

const orders = ({ sql, now, pageSize }: Pages): HistoryCheck => ({
  name: 'invariants-orders',
  count: () => estimateRows(sql, 'orders', 'orders'),
  checkChanged: checkChangedOrders(sql, { limit: pageSize }, (ids) => checkOrders(sql, ids, now)),
  async checkSlice(after) {
    const ids = await listEndedOrders(sql, { after, limit: pageSize });
    await checkOrders(sql, ids, now);
    return toPage(ids, pageSize, (id) => id);
  },
});

const levels = ({ sql, now, pageSize }: Pages): HistoryCheck => ({
  name: 'invariants-stock',
  count: () => estimateRows(sql, 'stock', 'levels'),
  checkChanged: checkMovedProducts(sql, 5 * pageSize, (ids) => checkLevels(sql, ids, now)),
  async checkSlice(after) {
    const rows = await listBalanced(sql, { after, limit: pageSize });
    const asked = rows.map(({ productId }) => productId);
    const suspects = rows.filter(({ agrees }) => !agrees).map(({ productId }) => productId);
    const broken = await findUnbalanced(sql, suspects);
    await keepViolations(sql, 'stock-never-oversold', { asked, broken }, now);
    await moveOpeningBalances(sql, asked, now);
    return toPage(rows, pageSize, ({ productId }) => productId);
  },
});

/** Opening balances are what the checks of levels rely on, so they are checked too, each month of a product by itself. */
const ledgers = ({ sql, now, pageSize }: Pages): HistoryCheck => ({
  name: 'invariants-ledger',
  count: () => estimateRows(sql, 'monitor', 'opening_balances'),
  async checkSlice(after) {
    const [productId = '', month = ''] = after.split(' ');
    const rows = await listLedgerMonths(sql, { after: { productId, month }, limit: pageSize });
    const wrong = [...new Set(rows.filter(({ agrees }) => !agrees).map((row) => row.productId))];
    await forgetOpeningBalances(sql, wrong);
    await checkLevels(sql, wrong, now);
    return toPage(rows, pageSize, (row) => `${row.productId} ${row.month}`);
  },
});

/** A page of the archive stands for its movements: one that does not add up leaves its product in doubt. */
const archivedLedgers = ({ sql, now, pageSize }: Pages): HistoryCheck => ({
  name: 'invariants-archive',
  count: () => estimateRows(sql, 'archive', 'ledger_pages'),
  async checkSlice(after) {
    const [productId = '', lastId = ''] = after.split(' ');
    const limit = Math.ceil(pageSize / 10);
    const rows = await listArchivedPages(sql, { after: { productId, lastId }, limit });
    const wrong = [...new Set(rows.filter(({ agrees }) => !agrees).map((row) => row.productId))];
    if (wrong.length > 0) await keepViolations(sql, 'stock-never-oversold', { asked: wrong, broken: wrong }, now);
    return toPage(rows, limit, (row) => `${row.productId} ${row.lastId}`);
  },
});

const coupons = ({ sql, now, pageSize }: Pages): HistoryCheck => ({
  name: 'invariants-coupons',
  count: () => estimateRows(sql, 'pricing', 'coupons'),
  async checkSlice(after) {
    const codes = await listCoupons(sql, { after, limit: pageSize });
    await checkCoupons(sql, codes, now);
    return toPage(codes, pageSize, (code) => code);
  },
});

async function checkLevels(sql: Sql, productIds: string[], now: Date, known: string[] = []): Promise<void> {
  if (productIds.length === 0) return;
  const broken = [...new Set([...known, ...(await findUnbalanced(sql, productIds))])];
  await keepViolations(sql, 'stock-never-oversold', { asked: productIds, broken }, now);
  await moveOpeningBalances(sql, productIds, now);
}
