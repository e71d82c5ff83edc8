import type { CohortRow } from '../contract/api/customer-reports.ts';
import { type CohortMonth, readCohorts, readCohortsSince } from './cohorts.sql.ts';
import { addUp, ageOfParts, openHistory, type PartsDeps, partsOf } from './parts.ts';
import { dayIn, monthAfter, type Period } from './period.ts';
import { readReport } from './read.ts';
import { cohortsOf } from './warehouse/cohorts.sql.ts';

/**
 * How many customers of each month's cohort come back, and how many of the cohort a year before did at the same age. A cohort is that
 * of the first order, so all of the history counts: the warehouse has it, and the database adds what came after.
 */
export async function reportCohorts({ from, to, zone }: Period, deps: PartsDeps) {
  const known = await openHistory(deps);
  const firstCohort = monthAfter(from.slice(0, 7), -12);
  const { data, age } = await readReport('cohorts', deps, async (sql) => {
    const cut = await known.cut(sql, { from: `${firstCohort}-01`, to, zone });
    const read = cut.history === undefined ? readCohorts : readCohortsSince;
    const rows = cut.database === undefined ? [] : await read(sql, { stretch: cut.database, firstCohort, zone });
    return { cut, rows };
  });
  const { cut } = data;
  const history =
    cut.history === undefined ? [] : await cut.ask<CohortMonth>(cohortsOf({ stretch: cut.history, firstCohort, zone }));
  const last = monthIn(zone, Math.min(deps.clock.now(), (cut.database ?? cut.history)!.ends.getTime() - 1));
  const answer = { history: cut.use, ...ageOfParts(partsOf(cut, age)) };
  return {
    ...answer,
    data: retention(addUp([...history, ...data.rows], ['customers', 'orders']), from.slice(0, 7), last),
  };
}

/** A row for each cohort and each month since, up to the last, also when nobody of it ordered. */
export function retention(rows: readonly CohortMonth[], firstCohort: string, lastMonth: string): CohortRow[] {
  const byMonth = new Map(rows.map((row) => [`${row.cohort} ${row.month}`, row]));
  const percentAt = (cohort: string, age: number): number | null => {
    const size = byMonth.get(`${cohort} ${cohort}`)?.customers;
    if (size === undefined) return null;
    return Math.round(((byMonth.get(`${cohort} ${monthAfter(cohort, age)}`)?.customers ?? 0) * 1000) / size) / 10;
  };
  const cohorts = [...new Set(rows.map(({ cohort }) => cohort))].filter((cohort) => cohort >= firstCohort).toSorted();
  return cohorts.flatMap((cohort) => {
    const all: CohortRow[] = [];
    for (let age = 0; monthAfter(cohort, age) <= lastMonth; age++) {
      const month = monthAfter(cohort, age);
      const { customers = 0, orders = 0 } = byMonth.get(`${cohort} ${month}`) ?? {};
      const [retentionPercent, yearBeforePercent] = [percentAt(cohort, age), percentAt(monthAfter(cohort, -12), age)];
      all.push({ cohort, month, age, customers, orders, retentionPercent, yearBeforePercent });
    }
    return all;
  });
}

const monthIn = (zone: string, moment: number): string => dayIn(zone, moment).slice(0, 7);
