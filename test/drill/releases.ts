import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { removePostgresData } from '../../infra/local/postgres/start.ts';
import { type Checkout, end, freePort, type Running, start } from '../e2e/checkout.ts';
import { send } from '../support/send.ts';
import { type Customers, startCustomers } from './customers.ts';
import type { Report } from './restore.ts';

const run = promisify(execFile);
const root = resolve(import.meta.dirname, '../..');
const migrationsOf = (folder: string) => join(folder, 'lib/database/migrations');

/** The part of the end-to-end suite that writes most: each release runs its own. */
const suite = ['orders', 'cancel', 'refunds', 'catalog', 'stock'];

const ended = ['confirmed', 'failed', 'cancelled'];

/** Migrations that the drill puts behind ours: one that the running release bears, and one that it does not. */
export const planted = {
  expand: "alter table orders.orders add column planted text not null default '';",
  breaking: 'alter table orders.orders rename column note to remark;',
};

/**
 * Runs two releases against each other's schema, while customers order. The handlers of the previous release serve before, during
 * and after this checkout's migrations; the handlers of this checkout serve on the schema of the previous release, as they do
 * between `migrate down` and the older code. Before the first release there is nothing to compare with. In any case a planted
 * migration that expands must pass, and one that breaks must be caught.
 * @param previous a tag or a commit; by default the tag in infra/migration-lint/released.json
 */
export async function drillReleases(
  loadSeconds: number,
  say: (line: string) => void,
  { previous }: { previous?: string | undefined },
): Promise<Report> {
  const scratch = await mkdtemp(join(tmpdir(), 'counterfoil-releases-'));
  const faults: string[] = [];
  try {
    const ours = await copyOf(join(scratch, 'ours'));
    const tag = previous ?? (await releasedTag());
    if (tag === undefined) say('there is no release yet, so no other schema to run on');
    else {
      const theirs = await exportOf(tag, join(scratch, 'theirs'), say);
      const onNew = await serve(theirs, loadSeconds, [{ migrate: ours }]);
      say(`${tag} on the new schema: ${summary(onNew)}`);
      faults.push(...onNew.map((fault) => `${tag} on the new schema: ${fault}`));
      const newest = await hideNewer(ours, theirs);
      const onOld = await serve(ours, loadSeconds, [{ restore: newest, migrate: ours }]);
      say(`this checkout on the schema of ${tag}: ${summary(onOld)}`);
      faults.push(...onOld.map((fault) => `this checkout on the schema of ${tag}: ${fault}`));
    }
    const expanded = await copyOf(join(scratch, 'expanded'));
    await plant(expanded, 'planted', planted.expand);
    const passes = await serve(ours, loadSeconds, [{ migrate: expanded }]);
    say(`a planted migration that expands: ${summary(passes)}`);
    faults.push(...passes.map((fault) => `a planted migration that expands: ${fault}`));
    const broken = await copyOf(join(scratch, 'broken'));
    await plant(broken, 'planted', planted.breaking);
    const caught = await serve(ours, loadSeconds, [{ migrate: broken }]);
    say(`a planted migration that breaks: ${summary(caught)}`);
    if (caught.length === 0) faults.push('a planted migration that renames a column in use was not caught');
    return { figures: {}, faults };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

const summary = (faults: string[]) =>
  faults.length === 0 ? 'everything held' : `${faults.length} faults, ${faults[0]}`;

/** The tag of the newest release; undefined before the first one. @throws Error when the file is not as it should be */
export async function releasedTag(): Promise<string | undefined> {
  const { newest, tag } = JSON.parse(await readFile(join(root, 'infra/migration-lint/released.json'), 'utf8')) as {
    newest: number;
    tag?: string;
  };
  if (newest > 0 && tag === undefined)
    throw new Error('infra/migration-lint/released.json has a release without its tag.');
  return tag;
}

/** Everything of this checkout but what it installed and made. */
export async function copyOf(folder: string): Promise<string> {
  const { stdout } = await run('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    maxBuffer: 1 << 26,
  });
  const tops = new Set(stdout.split('\0').map((file) => file.split('/')[0]!));
  for (const top of tops) if (top !== '') await cp(join(root, top), join(folder, top), { recursive: true });
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
  return folder;
}

/** Another commit, with its own packages where they differ from ours. */
export async function exportOf(ref: string, folder: string, say: (line: string) => void): Promise<string> {
  await mkdir(folder, { recursive: true });
  const archive = join(folder, '..', 'theirs.tar');
  await run('git', ['archive', '--output', archive, ref], { cwd: root }).catch((error: Error) => {
    throw new Error(`${ref} is not here: git fetch --tags. ${error.message}`, { cause: error });
  });
  await run('tar', ['-xf', archive, '-C', folder]);
  const lock = (at: string) => readFile(join(at, 'package-lock.json'), 'utf8');
  if ((await lock(folder)) === (await lock(root)))
    await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
  else {
    say(`installing the packages of ${ref}`);
    await run('npm', ['ci', '--silent'], { cwd: folder, maxBuffer: 1 << 26 });
  }
  return folder;
}

/** Adds a migration behind all others. */
export async function plant(folder: string, name: string, up: string): Promise<void> {
  const files = (await readdir(migrationsOf(folder))).toSorted();
  const number = String(Number(files.at(-1)!.slice(0, 4)) + 1).padStart(4, '0');
  await writeFile(join(migrationsOf(folder), `${number}_${name}.up.sql`), `${up}\n`);
  await writeFile(join(migrationsOf(folder), `${number}_${name}.down.sql`), '-- Nothing goes back in a drill.\n');
}

/** Takes the migrations that the other does not have out of a checkout. @returns a folder with all of them */
async function hideNewer(folder: string, other: string): Promise<string> {
  const all = `${folder}-migrations`;
  await cp(migrationsOf(folder), all, { recursive: true });
  const known = new Set(await readdir(migrationsOf(other)));
  for (const file of await readdir(all)) if (!known.has(file)) await rm(join(migrationsOf(folder), file));
  return all;
}

type Change = {
  /** A folder whose migrations the serving checkout gets, before. */
  restore?: string;
  /** The checkout whose migrations are applied, while the other serves. */
  migrate: string;
};

/** Runs a checkout, lets customers order, and changes the schema beneath it. @returns what went wrong */
async function serve(folder: string, loadSeconds: number, changes: Change[]): Promise<string[]> {
  const faults: string[] = [];
  const checkout: Checkout = { folder, port: await freePort(), identityPort: await freePort() };
  const running = await start(checkout, {
    RATE_LIMIT_PER_MINUTE: '1000000',
    MAX_UNPAID_ORDERS: '1000000',
    MAX_UNPAID_UNITS: '1000000',
  });
  const baseUrl = `http://localhost:${checkout.port}`;
  let customers: Customers | undefined;
  try {
    const { clientId, customer, products } = running.demo;
    const shop = { baseUrl: () => baseUrl, clientId, customer, productIds: products.map(({ id }) => id) };
    customers = await startCustomers(shop, 3);
    await customers.nextConfirmed();
    await sleep(loadSeconds * 1000);
    for (const { restore, migrate } of changes) {
      if (restore !== undefined) faults.push(...(await passes(folder)));
      if (restore !== undefined) await cp(restore, migrationsOf(folder), { recursive: true });
      await command(migrate, ['--env-file', join(folder, '.local/functions.env'), 'infra/tools/migrate.ts', 'up']);
      await sleep(loadSeconds * 1000);
    }
    // Whoever breaks what every order needs is caught here already.
    if (customers.unexpected.length === 0) faults.push(...(await passes(folder)));
    await customers.stop();
    faults.push(...new Set(customers.unexpected.slice(0, 5)), ...(await unended(baseUrl, running, customers)));
    return faults;
  } finally {
    await customers?.stop();
    await end(running, 'SIGTERM');
    await removePostgresData(join(folder, '.local/postgres'));
    await rm(join(folder, '.local'), { recursive: true, force: true });
  }
}

/** The release's own end-to-end tests. @returns what to say when they fail */
async function passes(folder: string): Promise<string[]> {
  const args = ['test/e2e/run.ts', '--demo', join(folder, '.local/demo.json'), '--short', ...suite];
  const output = await command(folder, args).then(
    () => undefined,
    ({ stdout = '', message }: { stdout?: string; message: string }) =>
      stdout
        .match(/ FAIL .*/g)
        ?.slice(0, 5)
        .join('; ') ?? message,
  );
  return output === undefined ? [] : [`the end-to-end tests of ${basename(folder)} failed: ${output}`];
}

/** Orders that were answered and have not ended, though nobody orders any more. */
async function unended(baseUrl: string, { demo }: Running, { told }: Customers): Promise<string[]> {
  const statusOf = async (id: string): Promise<string> => {
    const { status, body } = await send('GET', `/orders/${id}`, { baseUrl, token: demo.appKey });
    return status === 200 ? (body as { status: string }).status : `answered with ${status}`;
  };
  const patience = Date.now() + 60_000;
  let open = told.map(({ id }) => id);
  let states: string[] = [];
  while (open.length > 0) {
    states = await Promise.all(open.slice(0, 20).map(statusOf));
    const left = states.flatMap((state, index) => (ended.includes(state) ? [] : [open[index]!]));
    open = [...left, ...open.slice(20)];
    if (Date.now() > patience) return [`${open.length} orders have not ended: ${[...new Set(states)].join(', ')}`];
    if (left.length > 0) await sleep(500);
  }
  return [];
}

/** Runs Node in a checkout. */
async function command(folder: string, args: string[]): Promise<void> {
  const child = spawn(process.execPath, args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  const read = (chunk: Buffer) => {
    stdout += chunk;
  };
  child.stdout.on('data', read);
  child.stderr.on('data', read);
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0)
    throw Object.assign(new Error(`${args.join(' ')} ended with ${code}: ${stdout.slice(-500)}`), { stdout });
}
