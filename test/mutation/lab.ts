import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import postgres from 'postgres';
import { migrate, shippedMigrations } from '../../lib/database/migrate.ts';
import { type SharedPostgres, startSharedPostgres } from '../support/postgres-global.ts';
import type { Outcome, TrialMutant } from './mutant.ts';

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
      const run = await runTests(copies[0]!, [file], shared.details, 300_000);
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
      const run = await runTests(copy, files, details, limit);
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
    for (const pid of running) process.kill(-pid, 'SIGKILL');
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

/** Process groups of runs under way. */
const running = new Set<number>();

async function runTests(
  copy: string,
  files: readonly string[],
  details: SharedPostgres,
  limitMs: number,
): Promise<{ outcome: 'killed' | 'survived' | 'timeout' | 'invalid'; by?: string }> {
  const vitest = ['node_modules/vitest/vitest.mjs', 'run', '--config', 'test/mutation/vitest.config.ts', '--bail', '1'];
  const child = spawn(process.execPath, [...vitest, ...files], {
    cwd: copy,
    detached: true, // A group of its own, to be ended with all its workers.
    env: { ...process.env, NO_COLOR: '1', TEST_POSTGRES: JSON.stringify(details) },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.add(child.pid!);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (part) => (output += part));
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    process.kill(-child.pid!, 'SIGKILL');
  }, limitMs);
  const [code] = await once(child, 'close');
  clearTimeout(timer);
  running.delete(child.pid!);
  if (late) return { outcome: 'timeout', by: `${files} took longer than ${Math.round(limitMs / 1000)} s` };
  if (code === 0) return { outcome: 'survived' };
  const failure = /FAIL\s+(.+)/.exec(output)?.[1] ?? output.slice(-2000);
  if (notSql.test(output)) return { outcome: 'invalid', by: `${notSql.exec(output)?.[0]}: ${failure}` };
  return { outcome: 'killed', by: failure.trim() };
}
