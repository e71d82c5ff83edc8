import type { Clock } from '../kernel/clock.ts';
import type { Sql } from './applied.sql.ts';
import { type Batching, inBatches } from './batches.ts';
import { type DataMigration, noteData, readDataMigrations, readPressure, runBatch } from './data-migrations.sql.ts';
import { ChangedMigration, MissingMigration } from './migration-errors.ts';
import { type Migration, readMigrations } from './migration-files.ts';

export type DataMigrationOptions = Batching & {
  /** Connected as the owner of the database. */
  sql: Sql;
  directory: string | URL;
  clock: Clock;
  log?: (line: string) => void;
  /** Only this one, by its migration's name. */
  only?: string;
  /** How long after the first batch the second pass may begin, in milliseconds: until the previous release writes no more. */
  settleMs?: number;
  /** Above these it waits: replicas behind in milliseconds and bytes, and sessions that wait for a lock. */
  most?: { lagMs: number; lagBytes: number; waiting: number };
};

/** An hour: a canary has ended and the functions of the previous release with it. */
const settleMsByDefault = 3600_000;
const mostByDefault = { lagMs: 2000, lagBytes: 64 * 1024 * 1024, waiting: 0 };
/** How long it waits before it looks again whether the database has less to do, in milliseconds. */
const pauseMs = 500;
/** The largest batch, in rows. */
const largest = 5000;

/**
 * Works through the data migrations that were applied and are neither finished nor paused, one after the other, in batches of
 * one short transaction each, until time is over. Killed at any moment, the next run goes on where the last batch ended. Of
 * several that run at once, one works.
 * @returns how far each is
 * @throws MissingMigration, ChangedMigration, or the error of a batch that the database refuses again and again
 */
export async function runDataMigrations(options: DataMigrationOptions): Promise<DataMigration[]> {
  const { sql, only } = options;
  const files = await readMigrations(options.directory);
  for (const row of await readDataMigrations(sql)) {
    if (row.paused || row.finishedAt !== null || (only !== undefined && only !== row.name)) continue;
    await runOne(options, row, statementOf(files, row));
  }
  return await readDataMigrations(sql);
}

function statementOf(files: Migration[], { name, checksum }: DataMigration): string {
  const data = files.find((file) => file.name === name)?.data;
  if (data === undefined) throw new MissingMigration(name, 'data');
  if (data.checksum !== checksum) throw new ChangedMigration(`${name}.data.sql`, 'was changed');
  return data.statement;
}

async function runOne(options: DataMigrationOptions, { name }: DataMigration, statement: string): Promise<void> {
  const { sql, clock, settleMs = settleMsByDefault, log = () => {} } = options;
  const rest = async (milliseconds: number): Promise<void> => {
    await options.sleep(milliseconds);
    await untilCalm(options, name);
  };
  try {
    await untilCalm(options, name);
    const { rows, longestMs } = await inBatches(
      { ...options, sleep: rest },
      (limit) => runBatch(sql, { name, statement, limit, now: new Date(clock.now()), settleMs }),
      largest,
    );
    if (rows > 0) log(`${name}: ${rows} rows in batches of at most ${Math.round(longestMs)} ms`);
  } catch (error) {
    await noteData(sql, name, `failed: ${error instanceof Error ? error.message : String(error)}`.slice(0, 500));
    throw error;
  }
}

/** Waits while replicas are behind or others wait for locks, and says so in the record. */
async function untilCalm({ sql, stopwatch, untilMs, sleep, most = mostByDefault }: DataMigrationOptions, name: string) {
  while (stopwatch.elapsed() < untilMs) {
    const { lagMs, lagBytes, waiting } = await readPressure(sql);
    if (lagMs <= most.lagMs && lagBytes <= most.lagBytes && waiting <= most.waiting) return;
    const note =
      waiting > most.waiting
        ? `waits: ${waiting} sessions wait for locks`
        : `waits: a replica is ${Math.round(lagMs)} ms and ${Math.round(lagBytes / 1024 / 1024)} MB behind`;
    await noteData(sql, name, note);
    await sleep(pauseMs);
  }
}

/** How far a data migration is, in a few words. */
export function describeData(row: DataMigration, settleMs = settleMsByDefault): string {
  const { startedAt, finishedAt, pass, passSeen, changed, longestMs, position } = row;
  if (finishedAt !== null) return `finished ${finishedAt.toISOString()}, ${changed} rows changed`;
  if (startedAt === null) return row.paused ? 'paused, not begun' : (row.note ?? 'not begun');
  const settles = new Date(startedAt.getTime() + settleMs);
  const where =
    pass > 1 && position === null
      ? `pass ${pass} begins after ${settles.toISOString()}`
      : `pass ${pass}, ${passSeen} rows seen`;
  const state = row.paused ? 'paused, ' : '';
  return `${state}${where}, ${changed} rows changed, longest batch ${longestMs} ms${row.note ? `; ${row.note}` : ''}`;
}
