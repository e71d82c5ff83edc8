import type { TransactionSql } from 'postgres';
import type { Clock } from '../../lib/kernel/clock.ts';
import type { Sql } from '../../lib/platform/sql.ts';
import { type Counts, type Loading, loaders } from './load.ts';
import type { Mapping } from './mapping.ts';
import type { Kind, Source } from './read-rows.ts';
import { verifyShop } from './verify.ts';

/** Rows a second of a first load, of one that finds everything there, and of verify. */
type Speeds = { load: number; again: number; verify: number };
type Seconds = { from: number; to: number };
export type Estimate = {
  speeds: Partial<Record<Kind, Speeds & { sample: number }>>;
  /** All rows for the first time. */
  load: Seconds;
  /** How long the old shop is closed at the cut-over: what changed last is loaded, and all rows are compared. */
  closed: Seconds;
};

/** Enough of each kind to take a second or some. */
const sampleRows: Record<Kind, number> = { products: 100, customers: 1000, coupons: 50, orders: 8000 };
/** Indexes grow while a load runs, and others use the machine: the upper bound allows for that. */
const slowest = 2;

/**
 * Measures this machine and this database on the first rows of each kind, in a transaction that is taken back.
 * @param rows how many there are of each kind
 * @throws MoveInRefused
 */
export async function measure(
  options: { sql: Sql; mapping: Mapping; clock: Clock; sources: readonly Source[] },
  rows: Partial<Record<Kind, number>>,
): Promise<Estimate> {
  let speeds: Estimate['speeds'] = {};
  await options.sql
    .begin(async (tx) => {
      speeds = await measureIn(tx, options);
      throw new TakenBack();
    })
    .catch((error: unknown) => {
      if (!(error instanceof TakenBack)) throw error;
    });
  const secondsOf = (...names: (keyof Speeds)[]): Seconds => {
    let seconds = 0;
    for (const [kind, speed] of Object.entries(speeds) as [Kind, Speeds][])
      for (const name of names) seconds += (rows[kind] ?? 0) / speed[name];
    return { from: Math.ceil(seconds), to: Math.ceil(seconds * slowest) };
  };
  return { speeds, load: secondsOf('load'), closed: secondsOf('again', 'verify') };
}

/** What people read of it. */
export const estimateLines = ({ load, closed }: Estimate): string[] => [
  `A first load takes ${spanOf(load)} here, and the old shop is closed for ${spanOf(closed)} at the cut-over, besides your own commands.`,
];

const spanOf = ({ from, to }: Seconds): string =>
  to < 120 ? `${from} to ${to} seconds` : `${Math.max(1, Math.floor(from / 60))} to ${Math.ceil(to / 60)} minutes`;

class TakenBack extends Error {}

async function measureIn(
  tx: TransactionSql,
  { sources, ...options }: Parameters<typeof measure>[0],
): Promise<Estimate['speeds']> {
  const sql = within(tx);
  const samples = sources.map((source) => firstOf(source, sampleRows[source.kind]));
  const loading: Loading = { ...options, sql, sources: samples, reject: () => {}, onBatch: () => {} };
  const speeds: Estimate['speeds'] = {};
  for (const source of samples) {
    const of = async (work: () => Promise<unknown>) => {
      const beganAt = performance.now();
      const done = await work();
      return { done, seconds: Math.max(0.001, (performance.now() - beganAt) / 1000) };
    };
    const load = () => loaders[source.kind](loading);
    const first = await of(load);
    const { rows } = first.done as Counts;
    if (rows === 0) continue;
    const again = await of(load);
    const verify = await of(() => verifyShop({ ...options, sql, sources: [source], samples: 100 }));
    const speed = (seconds: number) => Math.max(1, Math.round(rows / seconds));
    speeds[source.kind] = {
      ...{ load: speed(first.seconds), again: speed(again.seconds), verify: speed(verify.seconds) },
      sample: rows,
    };
  }
  return speeds;
}

/** The transaction, in which others are parts that can be taken back. */
const within = (tx: TransactionSql): Sql =>
  new Proxy(tx, {
    get: (target, name) =>
      name === 'begin'
        ? (work: (inner: TransactionSql) => Promise<unknown>) => target.savepoint(work)
        : Reflect.get(target, name),
  }) as unknown as Sql;

const firstOf = (source: Source, most: number): Source => ({
  ...source,
  async *rows() {
    let count = 0;
    for await (const row of source.rows()) {
      yield row;
      if (++count === most) return;
    }
  },
});
