import type { FindingKind } from '../../contract/api/findings.ts';
import { countOpen, saveVerdicts } from './findings.sql.ts';
import { lookAtMoney } from './look-at-money.ts';
import { lookAtStock } from './look-at-stock.ts';
import { readMirror } from './snapshot.dynamo.ts';
import { goOnWithRepairs, repair } from './repairs.ts';
import type { ReconcileDeps, Run } from './run.ts';
import type { Verdict } from './verdict.ts';

export type Reconciled = {
  found: number;
  repaired: number;
  open: Record<FindingKind, number>;
  /** Seconds since the last complete copy of the provider's books was begun; undefined when there is none. */
  mirrorAge: number | undefined;
};

/** So many at most in one run: whatever makes for more deserves a person's look before the next. */
const repairsAtMost = 20;

/**
 * Compares the mirror of the provider's books, the orders' payments and the stock ledger. What disagrees is kept as a
 * finding, what is certain is repaired once, and what agrees again is cleared. Runs may overlap.
 */
export async function reconcile(deps: ReconcileDeps): Promise<Reconciled> {
  const { sql, clock, store, pageSize = 500 } = deps;
  let found = 0;
  let repaired = 0;
  const run: Run = { ...deps, pageSize, since: clock.now(), keep };

  await goOnWithRepairs(deps);
  const mirror = await readMirror(store);
  if (mirror !== undefined) await lookAtMoney(run, mirror);
  await lookAtStock(run);
  const mirrorAge = mirror && Math.round((clock.now() - mirror.startedAt) / 1000);
  return { found, repaired, open: await countOpen(sql), mirrorAge };

  async function keep(verdicts: Verdict[]) {
    const fresh = await saveVerdicts(sql, verdicts, clock);
    found += fresh.length;
    for (const each of fresh) deps.onFinding(each);
    for (const each of verdicts) if (repaired < repairsAtMost && (await repair(deps, each))) repaired += 1;
  }
}
