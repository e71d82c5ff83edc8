import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, existsSync, readFileSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { loadCertificate } from '../../infra/local/certificate.ts';
import { removePostgresData, startPostgres } from '../../infra/local/postgres/start.ts';
import { type Principal, startRdsProxy } from '../../infra/local/rds-proxy/server.ts';
import { databaseRoles } from '../../lib/contract/deploy/roles.ts';
import { freePort } from '../e2e/checkout.ts';

export const region = 'eu-west-1';
export const account = '000000000000';
const administrator = { accessKeyId: 'test', secretAccessKey: 'test' };

type Options = {
  /** The folder of Python with MiniStack. */
  bin: string;
  /** Keeps databases, logs, and what the emulator reads and writes. */
  home: string;
  /** Concurrent runs of functions: 10 in a new account. */
  concurrency: number;
  /** How long a canary lasts, which is five minutes on AWS. */
  canarySeconds: number;
};

/** An AWS account on this machine. */
export type Emulator = {
  endpoint: string;
  home: string;
  /** By which a command, or a client of the SDK, finds the account. */
  environment: Record<string, string>;
  /** Starts an empty database of a stage, in place of the one that it has, and the stand-in of the proxy that its functions reach it by. */
  addDatabase(stage: string): Promise<void>;
  /** By which a tool that runs within the network finds the database of a stage. */
  databaseOf(stage: string): Record<string, string>;
  stop(): Promise<void>;
};

/** Starts MiniStack with what emulator/ adds to it. IAM is enforced. Its log is `emulator.log`. */
export async function startEmulator({ bin, home, concurrency, canarySeconds }: Options): Promise<Emulator> {
  // The emulator's workers are CommonJS, and would be modules by the project's own package.json above them.
  await writeFile(join(home, 'package.json'), '{ "type": "commonjs" }\n');
  const port = await freePort();
  const certificate = await loadCertificate(join(home, 'tls'));
  const endpoint = `http://localhost:${port}`;
  const credentials = {
    AWS_ACCESS_KEY_ID: administrator.accessKeyId,
    AWS_SECRET_ACCESS_KEY: administrator.secretAccessKey,
    AWS_REGION: region,
    AWS_DEFAULT_REGION: region,
  };
  const child = spawn(join(bin, 'python'), [join(import.meta.dirname, 'emulator/main.py')], {
    env: {
      PATH: `${dirname(process.execPath)}:${process.env.PATH}`,
      HOME: home,
      TMPDIR: home,
      ...credentials,
      AUTH: 'true',
      BIND_HOST: '127.0.0.1',
      GATEWAY_PORT: String(port),
      EDGE_PORT: String(port),
      MINISTACK_REGION: region,
      MINISTACK_HOST: 'localhost',
      NODE_EXTRA_CA_CERTS: certificate.caFile,
      // Lambda has the SDK, for functions that are not bundled.
      NODE_PATH: join(import.meta.dirname, '../../node_modules'),
      LAMBDA_ACCOUNT_CONCURRENCY: String(concurrency),
      LAMBDA_WARM_TTL_SECONDS: '30',
      PYTHONDONTWRITEBYTECODE: '1',
      EMULATOR_HOME: home,
      EMULATOR_CANARY_SECONDS: String(canarySeconds),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const log = createWriteStream(join(home, 'emulator.log'));
  child.stdout.pipe(log, { end: false });
  child.stderr.pipe(log, { end: false });
  const databases = new Map<string, { stop(): Promise<void>; port: number }>();
  let stopping: Promise<void> | undefined;
  const stop = () => {
    stopping ??= end();
    return stopping;
  };
  const end = async () => {
    if (child.exitCode === null && child.kill('SIGTERM')) {
      // It waits for what it runs, such as a function that does not find its database.
      const patience = setTimeout(() => child.kill('SIGKILL'), 20_000);
      await once(child, 'exit');
      clearTimeout(patience);
    }
    for (const [stage, database] of databases) {
      await database.stop();
      await removePostgresData(folderOf(stage));
    }
  };
  const folderOf = (stage: string) => join(home, `database-${stage}`);
  try {
    await ready(endpoint, () => child.exitCode !== null);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    endpoint,
    home,
    environment: {
      ...credentials,
      AWS_ENDPOINT_URL: endpoint,
      AWS_ENDPOINT_URL_S3: endpoint,
      PATH: `${bin}:${process.env.PATH}`,
      NODE_OPTIONS: `--require ${join(import.meta.dirname, 'localhost.cjs')}`,
    },
    async addDatabase(stage) {
      if (databases.has(stage)) {
        await databases.get(stage)!.stop();
        await removePostgresData(folderOf(stage));
      }
      const postgres = await startPostgres({
        dataDir: folderOf(stage),
        // The stand-in does not pool: each environment of a function holds a connection.
        settings: { max_connections: '400' },
      });
      const proxy = await startRdsProxy({
        host: 'localhost',
        region,
        cert: certificate.cert,
        key: certificate.key,
        backendSocketPath: postgres.socketPath,
        maxClients: 400,
        principals: (accessKeyId) => principalsIn(home)[accessKeyId],
        log: (line) => log.write(`proxy of ${stage}: ${line}\n`),
      });
      databases.set(stage, { port: proxy.port, stop: () => proxy.stop().then(postgres.stop) });
      const ports = Object.fromEntries([...databases].map(([name, each]) => [name, each.port]));
      await writeFile(join(home, 'ports.json.new'), JSON.stringify(ports));
      await rename(join(home, 'ports.json.new'), join(home, 'ports.json'));
    },
    databaseOf: (stage) => ({
      DATABASE_HOST: 'localhost',
      DATABASE_PORT: String(databases.get(stage)!.port),
      DATABASE_CA_FILE: certificate.caFile,
    }),
    stop,
  };
}

/**
 * The keys of functions that have run, with the database users that their roles may log in as; and those of who administrates the
 * account, who may log in as any.
 */
function principalsIn(home: string): Record<string, Principal> {
  const file = join(home, 'principals.json');
  const ran = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Record<string, Principal>) : {};
  return { ...ran, [administrator.accessKeyId]: { ...administrator, dbUsers: [...databaseRoles] } };
}

async function ready(endpoint: string, hasEnded: () => boolean): Promise<void> {
  for (;;) {
    if (hasEnded()) throw new Error('MiniStack does not start: see emulator.log');
    const response = await fetch(`${endpoint}/_ministack/health`).catch(() => undefined);
    if (response?.ok) return;
    await sleep(100);
  }
}
