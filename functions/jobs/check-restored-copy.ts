import * as z from 'zod/mini';
import type { Clock, Stopwatch } from '../../lib/kernel/clock.ts';
import { checkCopy, whyUnsound } from '../../lib/operations/monitoring/check-copy.ts';
import { keepRestoreTest } from '../../lib/operations/monitoring/restore-tests.sql.ts';
import { jobHandler } from '../../lib/platform/handlers/job.ts';
import { type Sql, sqlAs, sqlAt } from '../../lib/platform/sql.ts';
import type { Logger } from '../../lib/platform/telemetry.ts';
import { jobs } from '../jobs.ts';

type Deps = {
  /** Of the copy at an address. */
  copyAt: (host: string) => Sql;
  /** Of the shop that runs. */
  sql: () => Sql;
  clock: Clock;
  stopwatch: Stopwatch;
  log: Pick<Logger, 'error'>;
};

/** What the state machine of restore tests passes: the address of the copy, or why there is none. */
const input = z.union([z.object({ host: z.string() }), z.object({ failure: z.string() })]);
const limitMs = 600_000;

/** Checks a restored copy, and keeps the outcome in the shop that runs. A copy that is not sound is no error of this job. */
export async function run({ copyAt, sql, clock, stopwatch, log }: Deps, payload: unknown) {
  const asked = z.parse(input, payload);
  const { ok, detail } =
    'host' in asked ? await check(copyAt(asked.host), stopwatch) : { ok: false, detail: asked.failure };
  if (!ok) log.error('a backup did not restore', { detail });
  await keepRestoreTest(sql(), { testedAt: new Date(clock.now()), ok, detail });
  return { status: ok ? 'SUCCESSFUL' : 'FAILED', detail };
}

async function check(copy: Sql, stopwatch: Stopwatch): Promise<{ ok: boolean; detail: string }> {
  try {
    const report = await checkCopy({ sql: copy, stopwatch, limitMs });
    const { orders, open, products, asOf } = report;
    const held = `${orders} orders, ${open} of them under way, and ${products} products as of ${asOf?.toISOString()}`;
    const unsound = whyUnsound(report);
    return { ok: unsound === undefined, detail: unsound ?? `The copy is sound: ${held}.` };
  } finally {
    await copy.end({ timeout: 5 });
  }
}

export const handler = jobHandler(jobs['check-restored-copy'], run, ({ clock, stopwatch, log }) => ({
  copyAt: (host: string) => sqlAt(host, 'monitor'),
  sql: () => sqlAs('monitor'),
  clock,
  stopwatch,
  log,
}));
