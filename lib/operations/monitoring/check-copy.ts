import type { Sql } from 'postgres';
import type { Invariant } from '../../contract/deploy/metrics.ts';
import type { Stopwatch } from '../../kernel/clock.ts';
import { readCheck, saveCheck } from './checks.sql.ts';
import { describeCopy } from './copy.sql.ts';
import { checkInvariants } from './invariants.ts';

export type CopyReport = {
  /** When its last order changed; undefined in a copy without orders. */
  asOf: Date | undefined;
  orders: number;
  /** Orders that were under way. */
  open: number;
  products: number;
  violations: { invariant: Invariant; count: number; ids: string[] }[];
  /** Whether every row was looked at within the time limit. */
  complete: boolean;
};

const checks = ['invariants-orders', 'invariants-stock', 'invariants-ledger'];

/**
 * Checks the invariants of a restored copy: of every row, whatever was checked before the backup, and as of the time of the
 * copy. It writes to the copy's own tables of checks, so it must not be pointed at a shop that runs.
 */
export async function checkCopy({
  sql,
  stopwatch,
  limitMs,
}: {
  sql: Sql;
  stopwatch: Stopwatch;
  limitMs: number;
}): Promise<CopyReport> {
  const { asOf, ...counts } = await describeCopy(sql);
  const now = asOf ?? new Date(0);
  const fresh = { changedUntil: now, changedAfter: '', changesSince: null };
  for (const name of checks)
    await saveCheck(sql, name, { ...fresh, reached: '', passStartedAt: now, coveredSince: now });
  const clock = { now: () => now.getTime() };
  const whole = { runsPerPass: 1, atLeast: Number.MAX_SAFE_INTEGER };
  const { violations } = await checkInvariants({ sql, clock, stopwatch, limitMs, ...whole });
  const come = await Promise.all(checks.map((name) => readCheck(sql, name, now)));
  return { asOf, ...counts, violations, complete: come.every(({ reached }) => reached === '') };
}

/** Why a copy is not sound, in one sentence; undefined when it is. */
export function whyUnsound({ orders, violations, complete }: CopyReport): string | undefined {
  const broken = violations.filter(({ count }) => count > 0);
  if (broken.length > 0)
    return broken.map(({ invariant, count, ids }) => `${invariant}: ${count} (${ids[0]}, …)`).join('; ');
  if (!complete) return 'the checks ran out of time';
  return orders === 0 ? 'the copy has no orders' : undefined;
}
