import { type ChildProcess, execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import postgres from 'postgres';
import { migrate, shippedMigrations } from '../../lib/database/migrate.ts';
import { type SharedPostgres, startSharedPostgres } from '../support/postgres-global.ts';
import type { Outcome, TrialMutant } from './mutant.ts';
import type { Job, Ran } from './runner.ts';

export type Lab = Awaited<ReturnType<typeof openLab>>;

/** What a mutant of the statement's grammar shows itself by: it says nothing about the tests. */
const notSql = /syntax error at|could not determine data type|(?:column|relation) "?\S+ does not exist/;

/**
 * Copies of the project to change, `count` of them, and one PostgreSQL that outlives the runs of vitest.
 * @throws Error when the tests fail on the project as it is
 */
export async function openLab(count: number) {
  const folder = mkdtempSync(join(tmpdir(), 'counterfoil-mutants-'));
  const shared = await startSharedPostgres((sql) => migrate({ sql, directory: shippedMigrations }));
  const copies = Array.from({ length: count }, (_, i) => copyProject(join(folder, String(i))));
  const admin = postgres({ host: shared.details.socketDir, user: 'rdsadmin', database: 'postgres', max: 2 });
  const limits = new Map<string, number>();
  /** The files that were ever changed in a copy: changed or changed back, they are to be read again. */
  const changed = new Map<string, Set<string>>(copies.map((copy) => [copy, new Set()]));
  let templates = 0;

  return { owner, baseline, trial, close };

  /** The migrated database, as its owner. The caller ends it. */
  function owner(database = shared.details.template): postgres.Sql {
    return postgres({ host: shared.details.socketDir, user: 'migrator', database, max: 1, onnotice: () => {} });
  }

  /** Runs each test file once on the project as it is, which tells how long it may take with a mutant. */
  async function baseline(files: readonly string[]): Promise<void> {
    for (const file of files) {
      const startedAt = performance.now();
      const run = await runTests(copies[0]!, { files: [file], postgres: shared.details, changed: [] }, 300_000);
      if (run.outcome !== 'survived') throw new Error(`${file} fails without any mutant: ${run.by}`);
      limits.set(file, 15_000 + 4 * (performance.now() - startedAt));
    }
  }

  /** Tries a mutant in the copy `slot`. */
  async function trial(mutant: TrialMutant, slot: number): Promise<{ outcome: Outcome; by?: string | undefined }> {
    if (mutant.tests.length === 0) return { outcome: 'no-coverage' };
    const copy = copies[slot]!;
    if ('text' in mutant.apply) {
      const file = join(copy, mutant.file);
      const before = readFileSync(file, 'utf8');
      writeFileSync(file, mutant.apply.text);
      changed.get(copy)!.add(file);
      try {
        return await runTurns(mutant, copy, shared.details);
      } finally {
        writeFileSync(file, before);
      }
    }
    templates += 1;
    const template = `mutant_${templates}`;
    await admin`create database ${admin(template)} template ${admin(shared.details.template)} owner migrator`;
    const sql = owner(template);
    try {
      for (const statement of mutant.apply.statements) await sql.unsafe(statement);
      await sql.end();
      return await runTurns(mutant, copy, { ...shared.details, template });
    } catch (error) {
      return { outcome: 'invalid', by: String(error) };
    } finally {
      await sql.end();
      await admin`drop database ${admin(template)} with (force)`;
    }
  }

  async function runTurns(mutant: TrialMutant, copy: string, details: SharedPostgres) {
    for (const files of mutant.tests) {
      const limit = files.reduce((sum, file) => sum + (limits.get(file) ?? 60_000), 0);
      const run = await runTests(copy, { files, postgres: details, changed: [...changed.get(copy)!] }, limit);
      if (run.outcome === 'timeout') await dropLeftovers();
      if (run.outcome !== 'survived') return run;
    }
    return { outcome: 'survived' as const };
  }

  /** Databases of runs that were ended; those of runs under way are in use and stay. */
  async function dropLeftovers(): Promise<void> {
    const left = await admin`
      select d.datname from pg_database d where d.datname like 'test\\_%'
        and not exists (select from pg_stat_activity a where a.datname = d.datname)`;
    for (const { datname } of left) await admin`drop database if exists ${admin(datname)}`.catch(() => {});
  }

  /** Ends the runs under way as well. */
  async function close(): Promise<void> {
    for (const runner of runners.values()) end(await runner);
    await admin.end({ timeout: 1 });
    await shared.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** All that git knows or would take, beside the same packages. */
function copyProject(folder: string): string {
  const listed = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '-z'], {
    encoding: 'utf8',
    maxBuffer: 1e8,
  });
  for (const file of listed.split('\0').filter((name) => name !== '')) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    cpSync(file, join(folder, file));
  }
  symlinkSync(join(process.cwd(), 'node_modules'), join(folder, 'node_modules'));
  return folder;
}

/** The process of each copy that runs its tests. */
const runners = new Map<string, Promise<ChildProcess>>();

async function runTests(
  copy: string,
  job: Job,
  limitMs: number,
): Promise<{ outcome: 'killed' | 'survived' | 'timeout' | 'invalid'; by?: string }> {
  const started = runners.get(copy) ?? startRunner(copy);
  runners.set(copy, started);
  const runner = await started;
  runner.send(job);
  const over = new AbortController();
  const [ran] = (await Promise.race([
    once(runner, 'message', { signal: over.signal }),
    once(runner, 'exit', { signal: over.signal }).then(([code]) => [
      { passed: false, by: `the run ended with ${code}`, output: '' },
    ]),
    sleep(limitMs, [undefined], { signal: over.signal }),
  ]).finally(() => over.abort())) as [Ran | undefined];
  if (ran === undefined || runner.exitCode !== null) {
    runners.delete(copy);
    end(runner);
  }
  if (ran === undefined) {
    return { outcome: 'timeout', by: `${job.files} took longer than ${Math.round(limitMs / 1000)} s` };
  }
  if (ran.passed) return { outcome: 'survived' };
  const grammar = notSql.exec(ran.output)?.[0];
  return grammar === undefined
    ? { outcome: 'killed', by: ran.by }
    : { outcome: 'invalid', by: `${grammar}: ${ran.by}` };
}

async function startRunner(copy: string): Promise<ChildProcess> {
  const runner = fork('test/mutation/runner.ts', {
    cwd: copy,
    detached: true, // A group of its own, to be ended with all its workers.
    env: { ...process.env, NO_COLOR: '1', NODE_ENV: 'test', VITEST: '1' },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  await once(runner, 'message');
  return runner;
}

function end({ pid, exitCode }: ChildProcess): void {
  if (exitCode === null) process.kill(-pid!, 'SIGKILL');
}
