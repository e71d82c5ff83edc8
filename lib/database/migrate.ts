import { setTimeout as sleep } from 'node:timers/promises';
import {
  type Applied,
  forgetApplied,
  inMigration,
  readApplied,
  readInvalidIndexes,
  recordApplied,
  runFile,
  type Sql,
  type TransactionSql,
} from './applied.sql.ts';
import { forgetData, isDataDone, readDataMigrations, registerData } from './data-migrations.sql.ts';
import {
  ChangedMigration,
  DataMigrationUnfinished,
  MigrationBlocked,
  MigrationError,
  MigrationFailed,
  MigrationGap,
  MissingMigration,
  ReplacedBaseline,
  UnknownMigration,
  UnknownTarget,
} from './migration-errors.ts';
import { type Migration, readMigrations } from './migration-files.ts';
import { lineAt } from './statements.ts';

/** The folder of this release's migrations: beside this file in the repository, beside the bundle on Lambda. */
export const shippedMigrations = new URL('./migrations/', import.meta.url);

export type MigrateOptions = {
  /** Connected as the owner of the database. */
  sql: Sql;
  directory: string | URL;
  /** The version to stop at. By default the newest; for `down` the one below the present one. */
  target?: number;
  log?: (line: string) => void;
  /** How long one attempt waits for a lock that others hold, and how many attempts there are. */
  patience?: { lockTimeoutMs: number; attempts: number };
};

/**
 * Applies the pending migrations, each file and its row in `migrations.applied` in one transaction. Several migrators may
 * run at once: one of them applies each migration, and all of them return when it is applied.
 * @returns the names of the migrations that this call applied, in order
 * @throws MigrationError a subclass for each kind of problem
 */
export async function migrate(options: MigrateOptions): Promise<{ applied: string[] }> {
  const { target, log = () => {} } = options;
  const files = await readMigrations(options.directory);
  if (target !== undefined && !files.some(({ version }) => version === target)) throw unknownTarget(target, files);
  const applied: string[] = [];
  for (;;) {
    const name = await step(options, 'up', async (tx, run) => {
      const done = checkHistory(files, await readApplied(tx));
      const next = files[done.length];
      if (next === undefined || done.length >= (target ?? files.length)) return undefined;
      await checkNeeds(tx, files, next);
      await run(next, async (executionMs) => {
        await recordApplied(tx, next, executionMs);
        if (next.data !== undefined) await registerData(tx, next.name, next.data);
      });
      return next.name;
    });
    if (name === undefined) return { applied };
    applied.push(name);
    log(`applied ${name}`);
  }
}

/**
 * Reverts applied migrations, newest first, down to `target`, which stays applied (0 reverts all).
 * @returns the names of the migrations that this call reverted, in order
 * @throws MigrationError
 */
export async function down(options: MigrateOptions): Promise<{ reverted: string[] }> {
  const { log = () => {} } = options;
  const files = await readMigrations(options.directory);
  const present = checkHistory(files, await readApplied(options.sql)).length;
  const target = options.target ?? Math.max(0, present - 1);
  if (!Number.isInteger(target) || target < 0 || target > present) throw unknownTarget(target, files, present);
  const reverted: string[] = [];
  for (;;) {
    const name = await step(options, 'down', async (tx, run) => {
      const done = checkHistory(files, await readApplied(tx));
      const last = files[done.length - 1];
      if (last === undefined || done.length <= target) return undefined;
      await run(last, async () => {
        await forgetApplied(tx, last.version);
        await forgetData(tx, last.name);
      });
      return last.name;
    });
    if (name === undefined) return { reverted };
    reverted.push(name);
    log(`reverted ${name}`);
  }
}

/** @throws DataMigrationUnfinished before a migration that contracts what a data migration works on */
async function checkNeeds(tx: TransactionSql, files: Migration[], { name, needs = [] }: Migration): Promise<void> {
  for (const needed of needs) {
    const migration = files.find((file) => file.name === needed)!;
    if (!(await isDataDone(tx, migration.name, migration.data!)))
      throw new DataMigrationUnfinished(`${name}.up.sql`, needed);
  }
}

/**
 * The applied and the pending migrations, how far the data migrations are, the problem, if any, that stops the migrator, and the indexes that a build by hand
 * left half-made. Changes nothing.
 * @throws MigrationError when the files themselves have a problem
 */
export async function status({ sql, directory }: Pick<MigrateOptions, 'sql' | 'directory'>) {
  const files = await readMigrations(directory);
  const applied = await readApplied(sql);
  const known = new Set(applied.map(({ version }) => version));
  const pending = files.filter(({ version }) => !known.has(version)).map(({ name }) => name);
  const [invalidIndexes, data] = await Promise.all([readInvalidIndexes(sql), readDataMigrations(sql)]);
  try {
    checkHistory(files, applied);
    return { applied, pending, data, invalidIndexes, problem: undefined };
  } catch (problem) {
    if (!(problem instanceof MigrationError)) throw problem;
    return { applied, pending, data, invalidIndexes, problem };
  }
}

/**
 * Checks that the applied migrations are the first ones of the files, unchanged, and returns them.
 * @throws MigrationError
 */
function checkHistory(files: Migration[], applied: Applied[]): Applied[] {
  const [first, newest] = [files[0]!, files.at(-1)!];
  const oldest = applied[0];
  if (
    oldest?.version === 1 &&
    first.version === 1 &&
    oldest.name !== first.name &&
    oldest.checksum !== first.checksum
  ) {
    throw new ReplacedBaseline(oldest.name, first.name);
  }
  for (const row of applied) {
    const file = files.find(({ version }) => version === row.version);
    if (file === undefined) {
      throw row.version > newest.version ? new UnknownMigration(row.name, newest.name) : new MissingMigration(row.name);
    }
    if (file.name !== row.name) throw new ChangedMigration(`${file.name}.up.sql`, `was renamed (from ${row.name})`);
    if (file.checksum !== row.checksum) throw new ChangedMigration(`${file.name}.up.sql`, 'was changed');
  }
  for (const [index, { version, name }] of files.entries()) {
    if (version !== index + 1) throw new MigrationGap(leftOut(index + 1, name));
    const row = applied[index];
    if (row !== undefined && row.version !== version) throw new MigrationGap(notApplied(name, row.name));
  }
  return applied;
}

const leftOut = (missing: number, next: string): string =>
  `there is no migration ${String(missing).padStart(4, '0')} before ${next}: numbers follow one another without a gap`;

const notApplied = (missing: string, next: string): string =>
  `${next} is applied but ${missing} before it is not: put its row back into migrations.applied`;

type Run = (migration: Migration, record: (executionMs: number) => Promise<void>) => Promise<void>;

const defaultPatience = { lockTimeoutMs: 1000, attempts: 20 };

/** Runs one transaction, again and again while others hold a lock that it needs. */
async function step(
  { sql, patience = defaultPatience, log = () => {} }: MigrateOptions,
  way: 'up' | 'down',
  work: (tx: TransactionSql, run: Run) => Promise<string | undefined>,
): Promise<string | undefined> {
  let file = 'the next migration';
  const runIn =
    (tx: TransactionSql): Run =>
    async (migration, record) => {
      file = `${migration.name}.${way}.sql`;
      const startedAt = performance.now();
      await runFile(tx, migration[way]).catch((cause) => {
        throw mayPass(cause) ? cause : failed(file, migration[way], cause);
      });
      await record(performance.now() - startedAt);
    };
  for (let attempt = 1; ; attempt++) {
    try {
      return await inMigration(sql, patience.lockTimeoutMs, (tx) => work(tx, runIn(tx)));
    } catch (error) {
      if (!mayPass(error)) throw error;
      if (attempt >= patience.attempts) throw new MigrationBlocked(file, attempt, { cause: error });
      log(`${file} waits for a lock that others hold (attempt ${attempt} of ${patience.attempts})`);
      await sleep(Math.min(5000, patience.lockTimeoutMs * 1.5 ** attempt) * (0.5 + Math.random() / 2));
    }
  }
}

/** Errors that pass: a lock time-out, a deadlock, two databases of one server that change the same role at once. */
const mayPass = (error: unknown): boolean =>
  error instanceof Error &&
  (('code' in error && (error.code === '55P03' || error.code === '40P01')) ||
    error.message === 'tuple concurrently updated');

function failed(file: string, text: string, cause: unknown): unknown {
  if (!(cause instanceof Error) || !('severity' in cause)) return cause;
  const position = 'position' in cause ? Number(cause.position) : Number.NaN;
  return new MigrationFailed(file, position > 0 ? lineAt(text, position - 1) : undefined, cause.message, { cause });
}

const unknownTarget = (target: number, files: Migration[], present?: number): UnknownTarget =>
  new UnknownTarget(
    present === undefined
      ? `there is no migration ${target} to go up to: the newest is ${files.length}`
      : `cannot go down to ${target}: the database is at ${present}`,
  );
