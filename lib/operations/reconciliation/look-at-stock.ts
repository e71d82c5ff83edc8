import { idAt } from '../../kernel/ids.ts';
import { listCommittedOrders, listHoldingOrders, listStockBalances, readKeptStock } from './balances.sql.ts';
import { clearUnseen, listUnseen } from './findings.sql.ts';
import { judgeLevel, judgeReservation } from './judge-stock.ts';
import { isOwned } from './repairs.ts';
import { pages, type Run } from './run.ts';

const hour = 3600_000;
const itself = (id: string): string => id;

/** Looks for stock that is kept for nobody, and for levels that are not what the ledger says. */
export async function lookAtStock(run: Run): Promise<void> {
  const { sql, pageSize: limit } = run;
  const since = new Date(run.since);
  const expiredBefore = new Date(run.since - hour);

  const listHolding = (after: string) => listHoldingOrders(sql, { after, expiredBefore, limit });
  for await (const ids of pages(limit, '', listHolding, itself)) await lookAtOrders(run, ids);

  const before = idAt('order', run.since + hour);
  const listCommitted = (after: string) => listCommittedOrders(sql, { after, before, limit });
  const oldest = idAt('order', run.since - run.days * 24 * hour);
  for await (const ids of pages(limit, oldest, listCommitted, itself)) await lookAtOrders(run, ids);

  const listLeft = (after: string) => listUnseen(sql, { kinds: ['reservation-without-owner'], since, after, limit });
  for await (const unseen of pages(limit, '', listLeft, ({ id }) => id)) {
    await lookAtOrders(
      run,
      unseen.map(({ subject }) => subject),
    );
  }

  const listLevels = (after: string) => listStockBalances(sql, { after, limit });
  for await (const levels of pages(limit, '', listLevels, ({ productId }) => productId)) {
    await run.keep(levels.map(judgeLevel).filter(({ problem }) => problem !== undefined));
  }
  await clearUnseen(sql, { kind: 'level-differs-from-ledger', since, at: new Date(run.clock.now()) });
}

async function lookAtOrders(run: Run, orderIds: string[]): Promise<void> {
  const kept = await readKeptStock(run.sql, orderIds);
  const context = { expiredBefore: run.since - hour, isOwned: (orderId: string) => isOwned(run, orderId) };
  await run.keep(await Promise.all(kept.map((each) => judgeReservation(each, context))));
}
