import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import postgres from 'postgres';
import { removePostgresData, startPostgres } from '../../../infra/local/postgres/start.ts';

/*
 * Starts a peer with a PostgreSQL of its own: node test/bench/peers/start.ts dbos|restate. Its packages are installed into a
 * temporary folder the first time; that needs the npm registry. Ctrl-C or SIGTERM ends it.
 */

const here = import.meta.dirname;
const name = process.argv[2];
const folder = join(tmpdir(), `counterfoil-peer-${name}`);
const servers: ChildProcess[] = [];

const ports = { dbos: 9301, restate: { ingress: 9411, admin: 9471, node: 9423, service: 9481 } };

async function main(): Promise<void> {
  if (name !== 'dbos' && name !== 'restate') throw new Error('usage: node test/bench/peers/start.ts dbos|restate');
  await install(name);
  const dataDir = join(folder, 'postgres');
  await removePostgresData(dataDir);
  const database = await startPostgres({ dataDir });
  const env = { PGHOST: database.socketDir, PGUSER: 'rdsadmin', PGDATABASE: 'counterfoil' };
  const sql = postgres({ path: database.socketPath, user: env.PGUSER, database: env.PGDATABASE, max: 1 });
  await sql.unsafe(await readFile(join(here, 'schema.sql'), 'utf8'));
  await sql.end();
  let ending = false;
  const end = async () => {
    if (ending) return;
    ending = true;
    await stop(database.stop);
  };
  process.on('SIGINT', end);
  process.on('SIGTERM', end);
  await (name === 'dbos' ? startDbos(env) : startRestate(env));
  console.log(`${name} is ready`);
  await Promise.race(servers.map((server) => once(server, 'exit')));
  await end();
}

async function stop(stopDatabase: () => Promise<void>): Promise<void> {
  for (const server of servers) server.kill('SIGTERM');
  await Promise.race([Promise.all(servers.map((server) => server.exitCode ?? once(server, 'exit'))), sleep(5000)]);
  await stopDatabase();
  process.exit(0);
}

async function install(peer: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await cp(join(here, peer), folder, { recursive: true });
  await cp(join(here, 'saga.mjs'), join(folder, 'saga.mjs'));
  if (await exists(join(folder, 'node_modules', '.package-lock.json'))) return;
  console.log(`installing the packages of ${peer} in ${folder}`);
  const npm = spawn('npm', ['install', '--no-audit', '--no-fund', '--no-package-lock'], {
    cwd: folder,
    stdio: 'inherit',
  });
  const [code] = await once(npm, 'exit');
  if (code !== 0) throw new Error(`npm install ended with ${code}`);
}

type Environment = Record<string, string>;

const start = (command: string, args: string[], env: Environment): void => {
  servers.push(
    spawn(command, args, { cwd: folder, env: { ...process.env, NODE_ENV: 'production', ...env }, stdio: 'inherit' }),
  );
};

async function startDbos(env: Environment): Promise<void> {
  start(process.execPath, ['server.mjs'], { ...env, PORT: String(ports.dbos) });
}

async function startRestate(env: Environment): Promise<void> {
  const { ingress, admin, node, service } = ports.restate;
  await rm(join(folder, 'restate-data'), { recursive: true, force: true });
  start(process.execPath, ['server.mjs'], { ...env, PORT: String(service), RESTATE_LOGGING: 'ERROR' });
  const server = `@restatedev/restate-server-${process.platform}-${process.arch}`;
  start(join(folder, 'node_modules', server, 'bin', 'restate-server'), [], {
    DO_NOT_TRACK: '1',
    RESTATE_BASE_DIR: join(folder, 'restate-data'),
    RESTATE_BIND_ADDRESS: `127.0.0.1:${node}`,
    RESTATE_INGRESS__BIND_ADDRESS: `127.0.0.1:${ingress}`,
    RESTATE_ADMIN__BIND_ADDRESS: `127.0.0.1:${admin}`,
    RESTATE_LOG_FILTER: 'error',
  });
  const body = JSON.stringify({ uri: `http://127.0.0.1:${service}` });
  for (const until = Date.now() + 60_000; ; await sleep(200)) {
    const registered = await fetch(`http://127.0.0.1:${admin}/deployments`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    }).catch(() => undefined);
    if (registered?.ok) return;
    if (Date.now() > until) throw new Error('Restate did not take the service within a minute.');
  }
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  for (const server of servers) server.kill('SIGTERM');
  process.exit(1);
});
