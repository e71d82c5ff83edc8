import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { connect as tlsConnect } from 'node:tls';
import { Signer, type SignerConfig } from '@aws-sdk/rds-signer';
import postgres from 'postgres';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Certificate, loadCertificate } from '../../infra/local/certificate.ts';
import { type Postgres, removePostgresData, startPostgres } from '../../infra/local/postgres/start.ts';
import {
  type Principal,
  type RdsProxy,
  type RdsProxyOptions,
  startRdsProxy,
} from '../../infra/local/rds-proxy/server.ts';

const region = 'eu-central-1';
const principals: Record<string, Principal> = {
  AKIAMIGRATOR: { secretAccessKey: 'migrator/secret', dbUsers: ['migrator'] },
  AKIAROLES: { secretAccessKey: 'roles+secret', sessionToken: 'session/+=token', dbUsers: ['reader', 'stranger'] },
};

let folder: string;
let server: Postgres;
let certificate: Certificate;
let proxy: RdsProxy;
let now = () => Date.now();
const log: string[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rds-proxy-test-'));
  server = await startPostgres({ dataDir: join(folder, 'postgres'), settings: { fsync: 'off' } });
  certificate = await loadCertificate(join(folder, 'certificate'));
  proxy = await startProxy();
  const admin = postgres({ host: server.socketDir, user: 'migrator', database: 'counterfoil', max: 1 });
  await admin.unsafe('create role reader login in role rds_iam; create role stranger login');
  await admin.end();
});

afterAll(async () => {
  await proxy?.stop();
  await server?.stop();
  await removePostgresData(join(folder, 'postgres'));
  await rm(folder, { recursive: true });
});

beforeEach(() => {
  now = () => Date.now();
  log.length = 0;
});

describe('a token made by @aws-sdk/rds-signer', () => {
  test('opens a verified TLS session as the user that it names', async () => {
    await using sql = client();
    expect(await sql`select current_user, current_database()`).toEqual([
      { current_user: 'migrator', current_database: 'counterfoil' },
    ]);
  });

  test('with the session token of temporary credentials opens a session', async () => {
    await using sql = client({ user: 'reader', password: await token({ username: 'reader', ...roles() }) });
    expect(await sql`select current_user`).toEqual([{ current_user: 'reader' }]);
  });

  test('is valid until a millisecond before its 15 minutes end', async () => {
    const password = await token();
    now = () => dateOf(password) + 899_999;
    await using early = client({ password });
    expect(await early`select 1 as one`).toEqual([{ one: 1 }]);
    now = () => dateOf(password) + 900_000;
    await refused({ password }, 'the token has expired');
  });

  test('dated more than five minutes in the future is refused', async () => {
    const password = await token();
    now = () => dateOf(password) - 300_000;
    await using early = client({ password });
    expect(await early`select 1 as one`).toEqual([{ one: 1 }]);
    now = () => dateOf(password) - 300_001;
    await refused({ password }, 'the token is dated in the future');
  });

  test('carries a large result and parallel sessions', async () => {
    await using sql = client({ max: 8 });
    const rows = await Promise.all(
      Array.from({ length: 16 }, (_, i) => sql`select repeat(${String(i % 10)}, 1000000) as body`),
    );
    expect(rows.map(([row]) => row!.body.length)).toEqual(Array(16).fill(1_000_000));
  });
});

describe('a token is refused with 28P01 and its reason stays in the log', () => {
  test.each([
    ['of another user', { username: 'reader' }, 'for user reader'],
    ['for another host', { hostname: 'db.example.com' }, 'for host db.example.com'],
    ['for another region', { region: 'us-east-1' }, 'for region us-east-1'],
    ['for another port', { port: 5432 }, 'for port 5432'],
    ['of an unknown key', credentials('AKIAUNKNOWN', 'x'), 'access key AKIAUNKNOWN is unknown'],
    ['made with a wrong secret', credentials('AKIAMIGRATOR', 'loginAttempt'), 'the signature does not match'],
    [
      'with a session token too many',
      credentials('AKIAMIGRATOR', 'migrator/secret', 'x'),
      'the session token is not the one of access key AKIAMIGRATOR',
    ],
  ] satisfies [string, Partial<SignerConfig>, string][])('%s', async (_title, config, reason) => {
    await refused({ password: await token(config) }, reason);
  });

  test('without the session token that its key needs', async () => {
    const password = await token({ username: 'reader', ...credentials('AKIAROLES', 'roles+secret') });
    await refused({ user: 'reader', password }, 'the session token is not the one');
  });

  test('of a principal whose policy does not name the user', async () => {
    const password = await token({ ...roles() });
    await refused({ password }, 'access key AKIAROLES lacks rds-db:connect for user migrator');
  });

  test('for a role without rds_iam', async () => {
    const password = await token({ username: 'stranger', ...roles() });
    await refused({ user: 'stranger', password }, 'pg_hba.conf rejects');
  });

  test.each([
    [
      'one digit of the signature',
      (t: string) => t.replace(/(Signature=)(.)/, (_, a, b) => a + (b === '0' ? '1' : '0')),
    ],
    ['a signature of another length', (t: string) => t.replace(/Signature=\w+/, 'Signature=00')],
    ['a longer life', (t: string) => t.replace('Expires=900', 'Expires=899')],
    ['a life beyond 15 minutes', (t: string) => t.replace('Expires=900', 'Expires=90000')],
    ['another date', (t: string) => t.replace(/Date=(\d{8})T/, 'Date=$1X')],
    ['another action', (t: string) => t.replace('Action=connect', 'Action=disconnect')],
    ['another service', (t: string) => t.replace('rds-db', 's3')],
    ['a parameter more', (t: string) => `${t}&Extra=1`],
    ['a parameter twice', (t: string) => `${t}&Action=connect`],
    ['a user in its host', (t: string) => `someone@${t}`],
    ['another path', (t: string) => t.replace('/?', '/x?')],
    ['nothing of a token', () => 'password'],
    ['an empty password', () => ' '],
  ])('altered: %s', async (_title, alter) => {
    const good = await token();
    const altered = alter(good);
    expect(altered).not.toBe(good);
    await refused({ password: altered });
  });
});

describe('a client that RDS Proxy refuses', () => {
  test('without TLS gets 28000', async () => {
    await expect(query({ ssl: false })).rejects.toMatchObject({
      code: '28000',
      message: 'This RDS Proxy requires TLS connections',
    });
  });

  test('that trusts another CA ends the handshake itself', async () => {
    const other = await loadCertificate(join(folder, 'other'));
    await expect(query({ ssl: { ca: other.ca, servername: 'localhost' } })).rejects.toMatchObject({
      code: expect.stringMatching(/SIGNATURE|VERIFY/),
    });
  });

  test.each([
    ['options', '-c statement_timeout=1', "currently doesn't support command-line options."],
    ['replication', 'database', "currently doesn't support streaming replication mode."],
    ['statement_timeout', '1000', "currently doesn't support the option statement_timeout."],
    ['search_path', 'x', "currently doesn't support the option search_path."],
  ])('with startup parameter %s gets 0A000', async (name, value, ending) => {
    const connection = { [name]: value } as { application_name: string };
    await expect(query({ connection })).rejects.toMatchObject({
      code: '0A000',
      message: `Feature not supported: RDS Proxy ${ending}`,
    });
  });

  test('with the startup parameters that drivers commonly send is accepted', async () => {
    const connection = { application_name: 'test', TimeZone: 'Europe/Paris', DateStyle: 'ISO' };
    await using sql = client({ connection });
    expect(await sql`select current_setting('TimeZone') as zone, current_setting('application_name') as name`).toEqual([
      { zone: 'Europe/Paris', name: 'test' },
    ]);
  });

  test('for a database that does not exist gets the error of PostgreSQL', async () => {
    await expect(query({ database: 'nowhere' })).rejects.toMatchObject({ code: '3D000' });
  });

  test('beyond the limit of clients gets 53300 until one leaves', async () => {
    const small = await startProxy({ maxClients: 1 });
    const password = await token({ port: small.port });
    const first = client({ port: small.port, password });
    await first`select 1`;
    await expect(query({ port: small.port, password })).rejects.toMatchObject({ code: '53300' });
    await first.end();
    await expect.poll(() => query({ port: small.port, password }).catch((error) => error.code)).toEqual([{ one: 1 }]);
    await small.stop();
  });

  test('gets 08006 when PostgreSQL is down', async () => {
    const lonely = await startProxy({ backendSocketPath: join(folder, 'nothing') });
    const password = await token({ port: lonely.port });
    await expect(query({ port: lonely.port, password })).rejects.toMatchObject({ code: '08006' });
    await lonely.stop();
  });
});

describe('on the wire', () => {
  test.each([
    ['data sent along before TLS', Buffer.concat([sslRequest(), Buffer.from('Q')]), '08P01'],
    ['a startup packet of a gigabyte', Buffer.from([0x40, 0, 0, 0, 0, 3, 0, 0]), '08P01'],
    ['a length below zero', Buffer.from([0xff, 0, 0, 0, 0, 3, 0, 0]), '08P01'],
    ['a TLS hello without asking first', Buffer.from([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3]), '08P01'],
    ['protocol 2', Buffer.from([0, 0, 0, 8, 0, 2, 0, 0]), '0A000'],
    ['a CancelRequest', Buffer.from([0, 0, 0, 16, 4, 0xd2, 0x16, 0x2e, 0, 0, 0, 1, 0, 0, 0, 2]), '0A000'],
  ])('%s is refused', async (_title, bytes, code) => {
    const socket = connect(proxy.port, '127.0.0.1');
    socket.write(bytes);
    expect(await text(socket)).toContain(`C${code}\0`);
  });

  test('a request for GSS encryption is declined, and TLS continues', async () => {
    const socket = connect(proxy.port, '127.0.0.1');
    socket.write(Buffer.from([0, 0, 0, 8, 4, 0xd2, 0x16, 0x30]));
    expect(await nextBytes(socket)).toBe('N');
    socket.write(sslRequest());
    expect(await nextBytes(socket)).toBe('S');
    socket.destroy();
  });

  test('bytes after the request for TLS that are not a handshake end the connection', async () => {
    const socket = connect(proxy.port, '127.0.0.1');
    socket.write(sslRequest());
    expect(await nextBytes(socket)).toBe('S');
    socket.write(Buffer.alloc(64, 1));
    await closed(socket);
  });

  test('a client that stalls in its handshake is disconnected', async () => {
    const hasty = await startProxy({ handshakeTimeout: 30 });
    const silent = connect(hasty.port, '127.0.0.1');
    const half = connect(hasty.port, '127.0.0.1');
    half.write(sslRequest());
    await Promise.all([closed(silent), closed(half)]);
    await hasty.stop();
  });

  test('the database session of a client that disconnects ends', async () => {
    await using watcher = client();
    const leaving = client({ connection: { application_name: 'leaving' } });
    await leaving`select 1`;
    const count = () =>
      watcher`select count(*)::int as n from pg_stat_activity where application_name = 'leaving'`.then(
        ([row]) => row!.n,
      );
    expect(await count()).toBe(1);
    await leaving.end();
    await expect.poll(count).toBe(0);
  });

  test('a client whose session PostgreSQL ends gets the last message of PostgreSQL', async () => {
    const raw = connect(proxy.port, '127.0.0.1');
    raw.write(sslRequest());
    await nextBytes(raw);
    const socket = tlsConnect({ socket: raw, ca: certificate.ca, servername: 'localhost' });
    const heard = text(socket);
    const startup = Buffer.from('\0\x03\0\0user\0migrator\0database\0counterfoil\0\0');
    socket.write(Buffer.concat([lengthOf(startup), startup]));
    socket.write(typed('p', await token()));
    socket.write(typed('Q', 'select pg_terminate_backend(pg_backend_pid())'));
    expect(await heard).toContain('C57P01\0');
  });

  test('stopping ends open sessions and frees the port', async () => {
    const stopping = await startProxy();
    const sql = client({ port: stopping.port, password: await token({ port: stopping.port }) });
    await sql`select 1`;
    const sleeping = sql`select pg_sleep(60)`.catch((error) => error.code);
    await stopping.stop();
    expect(await sleeping).toBe('CONNECTION_CLOSED');
    await sql.end({ timeout: 0 });
    const again = await startProxy({ port: stopping.port });
    await again.stop();
  });

  test('a taken port is an error', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => taken.once('listening', resolve));
    const { port } = taken.address() as { port: number };
    await expect(startProxy({ port })).rejects.toMatchObject({ code: 'EADDRINUSE' });
    taken.close();
  });
});

function startProxy(options: Partial<RdsProxyOptions> = {}): Promise<RdsProxy> {
  return startRdsProxy({
    host: 'localhost',
    region,
    cert: certificate.cert,
    key: certificate.key,
    backendSocketPath: server.socketPath,
    principals: (accessKeyId) => principals[accessKeyId],
    clock: { now: () => now() },
    log: (line) => log.push(line),
    ...options,
  });
}

function credentials(
  accessKeyId: string,
  secretAccessKey: string,
  sessionToken?: string,
): Pick<SignerConfig, 'credentials'> {
  return { credentials: { accessKeyId, secretAccessKey, ...(sessionToken && { sessionToken }) } };
}

function roles() {
  return credentials('AKIAROLES', 'roles+secret', 'session/+=token');
}

function token(config: Partial<SignerConfig> = {}): Promise<string> {
  const own = credentials('AKIAMIGRATOR', 'migrator/secret');
  return new Signer({
    hostname: 'localhost',
    port: proxy.port,
    region,
    username: 'migrator',
    ...own,
    ...config,
  }).getAuthToken();
}

/** When a token was signed, in milliseconds. Its date has whole seconds. */
function dateOf(password: string): number {
  const [, ...parts] = /X-Amz-Date=(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z/.exec(password)!;
  const [year, month, ...rest] = parts.map(Number) as [number, number, number, number, number, number];
  return Date.UTC(year, month - 1, ...rest);
}

function client(options: postgres.Options<Record<string, postgres.PostgresType>> = {}) {
  const sql = postgres({
    host: 'localhost',
    port: proxy.port,
    user: 'migrator',
    database: 'counterfoil',
    password: () => token(),
    ssl: { ca: certificate.ca, servername: 'localhost', rejectUnauthorized: true },
    max: 1,
    prepare: false,
    fetch_types: false,
    ...options,
  });
  return Object.assign(sql, { [Symbol.asyncDispose]: () => sql.end({ timeout: 1 }) });
}

async function query(options: Parameters<typeof client>[0]) {
  await using sql = client(options);
  return [...(await sql`select 1 as one`)];
}

async function refused(options: Parameters<typeof client>[0], reason = ''): Promise<void> {
  const user = options?.user ?? 'migrator';
  await expect(query(options)).rejects.toMatchObject({
    code: '28P01',
    message: `The IAM authentication failed for the role ${user}. Check the IAM token for this role and try again.`,
  });
  expect(log.at(-1)).toContain(`refused user ${user}: `);
  expect(log.at(-1)).toContain(reason);
}

function sslRequest(): Buffer {
  return Buffer.from([0, 0, 0, 8, 4, 0xd2, 0x16, 0x2f]);
}

function typed(type: string, body: string): Buffer {
  const bytes = Buffer.from(`${body}\0`);
  return Buffer.concat([Buffer.from(type), lengthOf(bytes), bytes]);
}

function lengthOf(body: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeInt32BE(body.length + 4);
  return length;
}

function nextBytes(socket: Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    socket.once('data', (chunk) => resolve(chunk.toString('latin1')));
    socket.once('close', () => reject(new Error('closed')));
  });
}

function closed(socket: Socket): Promise<void> {
  socket.on('error', () => {});
  socket.resume();
  return new Promise((resolve) => socket.once('close', () => resolve()));
}
