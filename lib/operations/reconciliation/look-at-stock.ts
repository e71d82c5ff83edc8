import { forgetOpeningBalances } from '../monitoring/balances.sql.ts';
import { checkChangedOrders, checkMovedProducts } from '../monitoring/changes.ts';
import { type Checked, checkHistory, type HistoryCheck, toPage } from '../monitoring/check-history.ts';
import { estimateRows } from '../monitoring/checks.sql.ts';
import {
  listCommittedOrders,
  listHoldingOrders,
  listStockBalances,
  readKeptStock,
  readStockBalances,
} from './balances.sql.ts';
import { listUnseen } from './findings.sql.ts';
import { judgeLevel, judgeReservation, type StockBalance } from './judge-stock.ts';
import { isOwned } from './repairs.ts';
import { pages, type Run } from './run.ts';

const hour = 3600_000;

/** Looks for stock that is kept for nobody, and for levels that are not what the ledger says. */
export async function lookAtStock(run: Run): Promise<Checked[]> {
  const { sql, pageSize: limit } = run;
  const since = new Date(run.since);
  const expiredBefore = new Date(run.since - hour);

  const listHolding = (after: string) => listHoldingOrders(sql, { after, expiredBefore, limit });
  for await (const ids of pages(limit, '', listHolding, (id) => id)) await lookAtOrders(run, ids);

  const come = [await checkHistory(run, committed(run)), await checkHistory(run, levels(run))];

  const listLeft = (after: string) =>
    listUnseen(sql, { kinds: ['reservation-without-owner', 'level-differs-from-ledger'], since, after, limit });
  for await (const unseen of pages(limit, '', listLeft, ({ id }) => id)) {
    const of = (wanted: string) => unseen.filter(({ kind }) => kind === wanted).map(({ subject }) => subject);
    await lookAtOrders(run, of('reservation-without-owner'));
    await lookAtLevels(run, of('level-differs-from-ledger'));
  }
  return come;
}

/** Stock that is committed for orders that were compensated since, or that do not exist. */
const committed = (run: Run): HistoryCheck => ({
  name: 'reconcile-committed',
  count: () => estimateRows(run.sql, 'stock', 'reservations'),
  checkChanged: checkChangedOrders(run.sql, { limit: run.pageSize, statuses: ['failed', 'cancelled'] }, (ids) =>
    lookAtOrders(run, ids),
  ),
  async checkSlice(after) {
    const rows = await listCommittedOrders(run.sql, { after, limit: run.pageSize });
    await lookAtOrders(
      run,
      rows.filter(({ suspect }) => suspect).map(({ id }) => id),
    );
    return toPage(rows, run.pageSize, ({ id }) => id);
  },
});

const levels = (run: Run): HistoryCheck => ({
  name: 'reconcile-levels',
  count: () => estimateRows(run.sql, 'stock', 'levels'),
  checkChanged: checkMovedProducts(run.sql, run.pageSize, (ids) => lookAtLevels(run, ids)),
  async checkSlice(after) {
    const rows = await listStockBalances(run.sql, { after, limit: run.pageSize });
    await lookAtLevels(
      run,
      rows.filter(isWrong).map(({ productId }) => productId),
    );
    return toPage(rows, run.pageSize, ({ productId }) => productId);
  },
});

async function lookAtOrders(run: Run, orderIds: string[]): Promise<void> {
  if (orderIds.length === 0) return;
  const kept = await readKeptStock(run.sql, orderIds);
  const context = { expiredBefore: run.since - hour, isOwned: (orderId: string) => isOwned(run, orderId) };
  await run.keep(await Promise.all(kept.map((each) => judgeReservation(each, context))));
}

async function lookAtLevels(run: Run, productIds: string[]): Promise<void> {
  if (productIds.length === 0) return;
  const balances = await readStockBalances(run.sql, productIds);
  const wrong = balances.filter(isWrong).map(({ productId }) => productId);
  await run.keep(balances.filter((each) => !isWrong(each)).map(judgeLevel));
  if (wrong.length === 0) return;
  // What is wrong may be the opening balance, so the whole ledger of these few has the last word.
  await forgetOpeningBalances(run.sql, wrong);
  await run.keep((await readStockBalances(run.sql, wrong)).map(judgeLevel));
}

const isWrong = (balance: StockBalance): boolean => judgeLevel(balance).problem !== undefined;
