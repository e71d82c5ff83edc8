import type { StatementTotals } from './database.sql.ts';

/** A statement since the last look: how often it ran, and its average in milliseconds. */
export type Ran = { role: string; calls: number; meanMs: number; statement: string };

/** An average from which a statement is slow. It is also from where PostgreSQL logs it. */
const slowMs = 500;
const mostShown = 3;

/**
 * Compares what statements took with the look before, which this process remembers: its first look has nothing to compare with.
 * @returns how many runs were of slow statements, and the statements that took the most time together
 */
export function statementsSince(): (totals: readonly StatementTotals[]) => { slow: number; slowest: Ran[] } {
  let before: Map<string, StatementTotals> | undefined;
  return (totals) => {
    const last = before;
    const keyOf = ({ queryId, role }: StatementTotals) => `${role} ${queryId}`;
    before = new Map(totals.map((each) => [keyOf(each), each]));
    if (last === undefined) return { slow: 0, slowest: [] };
    const ran = totals
      .map((each) => since(each, last.get(keyOf(each))))
      .filter(({ calls }) => calls > 0)
      .toSorted((one, other) => other.calls * other.meanMs - one.calls * one.meanMs);
    const slow = ran.filter(({ meanMs }) => meanMs >= slowMs).reduce((sum, { calls }) => sum + calls, 0);
    return { slow, slowest: ran.slice(0, mostShown) };
  };
}

/** Statistics that count less than before began anew meanwhile. */
function since({ role, statement, ...now }: StatementTotals, last: StatementTotals | undefined): Ran {
  const from = last === undefined || last.calls > now.calls ? { calls: 0, totalMs: 0 } : last;
  const calls = now.calls - from.calls;
  return { role, calls, meanMs: calls === 0 ? 0 : Math.round((now.totalMs - from.totalMs) / calls), statement };
}
