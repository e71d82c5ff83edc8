import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { type LabName, labs } from '../../infra/local/labs/labs.sql.ts';
import { resetStack } from '../../infra/local/stack.ts';

/* Each lab as a learner goes through it: something is wrong, the doctor names it, its remedy heals it, and the lab says so. */

type Tools = {
  directory: string;
  doctor(...checks: string[]): Promise<string>;
  sql(statement: string): Promise<string>;
  /** Another command of the repository. @returns what it prints */
  run(file: string, ...args: string[]): Promise<string>;
  /** Types a line into the lab's terminal, and waits for its answer. */
  type(line: string, answer: string): Promise<void>;
  resolve(orderId: string): Promise<number>;
};
type Course = { finds: RegExp; mend(tools: Tools): Promise<unknown> };

/** The statement that the doctor names. */
async function endSession({ doctor, sql }: Tools, check: string): Promise<void> {
  const [, statement] = /→ (select pg_terminate_backend[^;\n]+)/.exec(await doctor(check))!;
  expect(await sql(statement!)).toContain('pgTerminateBackend: true');
}

const courses: Record<LabName, Course> = {
  'pool-exhaustion': {
    finds: /✗ connections: \d+ of 100 connections are in use, 6\d of them idle.* migrator holds 66 by the name "lab"/,
    mend: (tools) => endSession(tools, 'connections'),
  },
  'slow-query': {
    finds: /✗ transactions: Process \d+ of migrator has waited .* for a lock of \d+\./,
    mend: (tools) => endSession(tools, 'transactions'),
  },
  'migration-failed': {
    finds: /! migrations: Index orders\.one_entry_of_each_type was left half-built/,
    mend: ({ sql }) => sql('drop index concurrently orders.one_entry_of_each_type'),
  },
  'cache-stampede': {
    finds: /! cache: The cache is off/,
    async mend({ type }) {
      await type('stop', 'the shop has stopped');
      await type('start CACHE=on', 'the shop runs');
    },
  },
  'data-lost': {
    finds: /✗ data: The database does not have 3 of the last 3 orders/,
    async mend({ directory, run, type }) {
      const at = ['--repository', join(directory, 'backups')];
      expect(await run('backup/cli.ts', 'list', ...at)).toContain('PostgreSQL 18');
      await type('stop', 'the shop has stopped');
      await rename(join(directory, 'postgres'), join(directory, 'postgres-before'));
      await run('backup/cli.ts', 'restore', ...at, '--into', join(directory, 'postgres'));
      await type('start', 'the shop runs');
    },
  },
  'stuck-order': {
    finds: /transactions: Process \d+ of (migrator has done nothing for \d+ seconds in a trans|saga has waited)/,
    mend: (tools) => endSession(tools, 'transactions'),
  },
  'lost-charge': {
    finds: /! manual review: 2 orders wait for a person/,
    async mend({ doctor, resolve }) {
      const text = await doctor('manual review');
      for (const [id] of text.split('\n')[0]!.matchAll(/ord_[0-9a-f]{32}/g)) expect(await resolve(id)).toBe(200);
    },
  },
};

test('each lab has its course here', () => expect(Object.keys(courses)).toEqual(Object.keys(labs)));

test.each(Object.entries(courses))('%s is found by the doctor, mended, and said to be healed', async (name, course) => {
  const directory = await mkdtemp(join(tmpdir(), 'counterfoil-lab-'));
  onTestFinished(() => resetStack(directory).then(() => rm(directory, { recursive: true, force: true })));
  const cli = (file: string) => new URL(`../../infra/local/${file}`, import.meta.url).pathname;
  const env = { PATH: process.env.PATH, PORT: String(await freePort()) };
  const lab = spawn(process.execPath, [cli('labs/cli.ts'), name, '--directory', directory], { env });
  const ended = once(lab, 'exit');
  onTestFinished(async () => {
    lab.kill();
    await ended;
  });
  let said = '';
  lab.stdout.on('data', (chunk) => (said += chunk));
  lab.stderr.on('data', (chunk) => (said += chunk));
  /** Waits until the lab says something. Its end is the end of waiting, too. */
  const hears = async (text: string): Promise<void> => {
    const gone = ended.then(() => said.includes(text));
    const told = expect.poll(() => said).toContain(text);
    await Promise.race([told, gone.then(() => expect(said).toContain(text))]);
  };
  await hears('Mend it.');

  const run = (file: string, ...args: string[]) =>
    promisify(execFile)(process.execPath, [cli(file), ...args], { env }).then(
      ({ stdout }) => stdout,
      ({ stdout, stderr }: { stdout: string; stderr: string }) => stdout + stderr,
    );
  const tools: Tools = {
    directory,
    run,
    doctor: (...checks) => run('doctor/cli.ts', '--directory', directory, ...checks),
    sql: (statement) => run('doctor/sql-cli.ts', '--directory', directory, statement),
    async type(line, answer) {
      lab.stdin.write(`${line}\n`);
      await hears(answer);
    },
    async resolve(orderId) {
      const { baseUrl, appKey } = JSON.parse(await readFile(join(directory, 'demo.json'), 'utf8'));
      const response = await fetch(`${baseUrl}/manual-review/orders/${orderId}/resolve`, {
        method: 'POST',
        headers: { authorization: `Bearer ${appKey}`, 'content-type': 'application/json' },
        body: JSON.stringify({ outcome: 'failed', note: 'The provider has no charge of it.' }),
      });
      return response.status;
    },
  };
  // What was seen a moment ago is still there.
  await expect.poll(() => tools.doctor(...labs[name as LabName].checks)).toMatch(course.finds);
  await course.mend(tools);
  await hears('Healed after');
  expect(await ended).toEqual([0, null]);
});

/** A port that stays the same when the shop starts again. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}
