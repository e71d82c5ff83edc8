import type { TransactionSql } from 'postgres';
import { Problem } from '../contract/api/problems.ts';
import type { Meter } from '../contract/deploy/metrics.ts';
import type { Clock } from '../kernel/clock.ts';
import { type Freshness, readFreshness, type Source } from './freshness.sql.ts';
import { type LagPolicy, policies, type ReportName } from './policies.ts';

/** Runs statements in one transaction that only reads, within so many milliseconds. */
export type Reads = <T>(work: (sql: TransactionSql) => Promise<T>, milliseconds: number) => Promise<T>;

/** Where reports are read. A stage without a reader has none. */
export type ReportDatabases = { reader: Reads | undefined; writer: Reads };

export type ReadDeps = {
  databases: ReportDatabases;
  clock: Clock;
  meter: Meter;
  sleep: (milliseconds: number) => Promise<unknown>;
  /** How long a reading may take, instead of what an HTTP handler may. */
  askMs?: number;
};

/** Where a part of a report comes from, and how old it is. */
export type Age = {
  source: Source;
  /** By the shop's clock. */
  asOf: string;
  lagSeconds: number;
  /** Whether the data are older than the report may show. */
  stale: boolean;
};

/** The reader's data are too old for this report. */
class TooOld extends Error {
  override readonly name = 'TooOld';
  readonly lagMs: number;
  constructor(lagMs: number) {
    super(`the reader is ${Math.ceil(lagMs / 1000)} s behind`);
    this.lagMs = lagMs;
  }
}

/** Less than a handler may take. */
const readMs = 8500;
/** What leaves time to ask the writer. */
const tryMs = 3500;

/** After an idle hour the first transaction looks an hour late for the moment of its replay. */
const replayPausesMs = [20, 50, 100];

/**
 * Reads a report from the reader, or from the writer as the report's policy says. What it reads is never older than the age that
 * comes with it.
 * @throws Problem reader-behind, report-too-large, or what the reading throws
 */
export async function readReport<T>(
  report: ReportName,
  deps: ReadDeps,
  read: (sql: TransactionSql) => Promise<T>,
): Promise<{ data: T; age: Age }> {
  const { when, maxLagSeconds }: LagPolicy = policies[report];
  const { reader, writer } = deps.databases;
  const from = (reads: Reads, refuses: boolean, milliseconds = deps.askMs ?? readMs) =>
    reads(async (sql) => {
      const freshness = await settled(() => readFreshness(sql), maxLagSeconds * 1000, deps.sleep);
      if (freshness.source === 'reader') deps.meter.count('ReaderLag', secondsOf(freshness));
      const stale = freshness.lagMs > maxLagSeconds * 1000;
      if (stale && refuses) throw new TooOld(freshness.lagMs);
      return { data: await read(sql), age: ageOf(freshness, stale, deps.clock) };
    }, milliseconds);
  try {
    if (reader === undefined || when === 'always-writer') return await from(writer, false);
    try {
      return await from(reader, when !== 'show', deps.askMs ?? (when === 'writer' ? tryMs : readMs));
    } catch (error) {
      if (when !== 'writer' || isTooSlow(error)) throw error;
      // Also when the reader does not answer at all.
      return await from(writer, false);
    }
  } catch (error) {
    throw problemOf(error, maxLagSeconds);
  }
}

/** The freshness, asked for again for a moment while it is out of bounds. */
async function settled(ask: () => Promise<Freshness>, maxLagMs: number, sleep: ReadDeps['sleep']): Promise<Freshness> {
  let freshness = await ask();
  for (const pause of replayPausesMs) {
    if (freshness.lagMs <= maxLagMs) break;
    await sleep(pause);
    freshness = await ask();
  }
  return freshness;
}

/** A lag that is not known is a day, which is beyond every bound. */
const unknownSeconds = 24 * 3600;

const secondsOf = ({ lagMs }: Freshness): number =>
  Number.isFinite(lagMs) ? Math.round(lagMs / 100) / 10 : unknownSeconds;

function ageOf(freshness: Freshness, stale: boolean, clock: Clock): Age {
  const lagSeconds = secondsOf(freshness);
  const asOf = new Date(clock.now() - Math.ceil(lagSeconds * 1000)).toISOString();
  return { source: freshness.source, asOf, lagSeconds, stale };
}

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';

/** PostgreSQL cut it off at its time limit. */
export const isTooSlow = (error: unknown): boolean => codeOf(error) === '57014';

function problemOf(error: unknown, maxLagSeconds: number): unknown {
  if (error instanceof TooOld) {
    const detail = `The data are ${Math.ceil(error.lagMs / 1000)} s old; this report shows none older than ${maxLagSeconds} s.`;
    return new Problem('reader-behind', detail, { cause: error, headers: { 'retry-after': '10' } });
  }
  if (isTooSlow(error)) {
    const detail = 'The report takes too long. Ask for a shorter period, or export it: POST /reports/exports.';
    return new Problem('report-too-large', detail, { cause: error });
  }
  return error;
}
