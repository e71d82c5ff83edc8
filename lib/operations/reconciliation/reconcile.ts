import type { FindingKind } from '../../contract/api/findings.ts';
import { countOpen, saveVerdicts } from './findings.sql.ts';
import { lookAtMoney } from './look-at-money.ts';
import { lookAtStock } from './look-at-stock.ts';
import { goOnWithRepairs, repair } from './repairs.ts';
import type { ReconcileDeps, Run } from './run.ts';
import { readSnapshot } from './snapshot.dynamo.ts';
import type { Verdict } from './verdict.ts';

export type Reconciled = {
  found: number;
  repaired: number;
  open: Record<FindingKind, number>;
  /** Seconds since the last complete copy of the provider's transactions was begun; undefined when there is none. */
  snapshotAge: number | undefined;
  /** Seconds since the oldest change, and since the oldest row, that were not compared. */
  lag: number;
  age: number;
};

/** So many at most in one run: whatever makes for more deserves a person's look before the next. */
const repairsAtMost = 20;

/**
 * Compares the snapshot of the provider's transactions, the orders' payments and the stock ledger. What disagrees is kept as a
 * finding, what is certain is repaired once, and what agrees again is cleared. Runs may overlap.
 */
export async function reconcile(deps: ReconcileDeps): Promise<Reconciled> {
  const { sql, clock, store, pageSize = 500 } = deps;
  let found = 0;
  let repaired = 0;
  const run: Run = { ...deps, pageSize, since: clock.now(), keep };

  await goOnWithRepairs(deps);
  const snapshot = await readSnapshot(store);
  const money = snapshot === undefined ? [] : await lookAtMoney(run, snapshot);
  const come = [...money, ...(await lookAtStock(run))];
  const lag = Math.max(...come.map((each) => each.lag));
  const age = Math.max(...come.map((each) => each.age));
  const snapshotAge = snapshot && Math.round((clock.now() - snapshot.startedAt) / 1000);
  return { found, repaired, open: await countOpen(sql), snapshotAge, lag, age };

  async function keep(verdicts: Verdict[]) {
    const fresh = await saveVerdicts(sql, verdicts, clock);
    found += fresh.length;
    for (const each of fresh) deps.onFinding(each);
    for (const each of verdicts) if (repaired < repairsAtMost && (await repair(deps, each))) repaired += 1;
  }
}
