import { readFileSync } from 'node:fs';
import { Signer } from '@aws-sdk/rds-signer';
import postgres, { type Sql } from 'postgres';
import type { DatabaseRole } from '../contract/deploy/roles.ts';
import { awsCredentials, config } from './config.ts';
import { passwordFrom } from './database-logins.gateway.ts';
import { passwordOf } from './database-password.ts';
import { poolOf } from './pools.ts';
import { commentsOn } from './sql-comments.ts';
import { withKeptTexts } from './sql-text.ts';
import { logger } from './telemetry.ts';

export type { Sql } from 'postgres';

/**
 * The process's connection pool for a login role, to PostgreSQL through RDS Proxy. TLS is verified, and each connection
 * authenticates with a new IAM token (valid for 15 minutes, checked only when connecting). Statements are prepared by the
 * protocol, which RDS Proxy multiplexes; nothing else is kept in a session, so no connection is pinned.
 */
export const sqlAs = (role: DatabaseRole): Sql => poolOf(role, () => connect(role));

/**
 * The same to the database's readers, whose data are a moment old; undefined in a stage without one. On a laptop the reader is
 * made for its first connection, which takes a second or some.
 */
export function readerAs(role: DatabaseRole): Sql | undefined {
  const { DATABASE_READER_HOST: host, DATABASE_READER_PORT: port } = config();
  return host === undefined
    ? undefined
    : poolOf(`${role}@reader`, () => sqlAt(host, role, { port, connectSeconds: 8 }));
}

/**
 * PostgreSQL's bigint as a number. Throws outside the range that JavaScript represents exactly; money stays inside it.
 */
export const bigintAsNumber = {
  to: 20,
  from: [20],
  serialize: (value: number) => String(value),
  parse: (text: string) => {
    const value = Number(text);
    if (!Number.isSafeInteger(value)) throw new RangeError(`not a safe integer: ${text}`);
    return value;
  },
};

const connect = (role: DatabaseRole): Sql => sqlAt(databaseHost(), role);

function databaseHost(): string {
  const { DATABASE_HOST } = config();
  if (DATABASE_HOST === undefined) throw new Error('DATABASE_HOST is not set');
  return DATABASE_HOST;
}

/** Where a load of the warehouse reads: the readers, or the writer where there are none. Columns have the names of the views. */
export function loaderSql(): Sql {
  const { DATABASE_READER_HOST: reader, DATABASE_READER_PORT: port } = config();
  const own = { port: reader === undefined ? undefined : port, connectSeconds: 8, columns: 'as named' } as const;
  return poolOf('warehouse@reader', () => sqlAt(reader ?? databaseHost(), 'warehouse', own));
}

/** Does work on a connection that is made for it, with a login of its own, and ended after it. */
export async function sqlOnce<T>(role: DatabaseRole, work: (sql: Sql) => Promise<T>): Promise<T> {
  const sql = sqlAt(databaseHost(), role);
  try {
    return await work(sql);
  } finally {
    await sql.end({ timeout: 1 });
  }
}

/** A pool of one's own to the database at another address, such as a restored copy. The caller ends it. */
export function sqlAt(
  host: string,
  role: DatabaseRole,
  own: { port?: number | undefined; connectSeconds?: number; columns?: 'camelCase' | 'as named' } = {},
): Sql {
  const { DATABASE_POOL_SIZE, PREPARED_STATEMENTS, SQL_COMMENTS } = config();
  const sql = postgres({
    ...connectionOf(host, role, own.port),
    max: DATABASE_POOL_SIZE,
    prepare: PREPARED_STATEMENTS === 'on',
    fetch_types: false,
    connect_timeout: own.connectSeconds ?? 5,
    idle_timeout: 60,
    max_lifetime: 840,
    connection: { application_name: 'counterfoil' },
    ...(own.columns === 'as named' ? {} : { transform: { column: { from: postgres.toCamel } } }),
    types: { bigint: bigintAsNumber },
    onnotice: () => {},
  }) as unknown as Sql;
  return withKeptTexts(sql, commentsOn(SQL_COMMENTS));
}

/** The password of a role, or a token of IAM where the stage has no secrets. */
function passwordIn(role: DatabaseRole, signer: Signer): string | Promise<string> {
  const { DATABASE_SECRET, DATABASE_SECRETS } = config();
  if (DATABASE_SECRET !== undefined) return passwordOf(DATABASE_SECRET, role);
  const password = DATABASE_SECRETS === undefined ? signer.getAuthToken() : passwordFrom(DATABASE_SECRETS, role);
  // The driver does not expect it to fail, and would end the process. The database refuses who has none.
  return password.catch((error: Error) => {
    logger().error('a password cannot be read', { role, reason: error.message });
    return '';
  });
}

/** Where a role connects to and how it proves itself: by an IAM token, or by its password where the stage has secrets. */
export function connectionOf(host: string, role: DatabaseRole, ownPort?: number) {
  const { AWS_REGION, DATABASE_PORT, DATABASE_NAME, DATABASE_CA_FILE, DATABASE_TLS } = config();
  const port = ownPort ?? DATABASE_PORT;
  const signer = new Signer({
    hostname: host,
    port,
    username: role,
    region: AWS_REGION,
    credentials: awsCredentials,
  });
  const tls = {
    rejectUnauthorized: true,
    servername: host,
    ...(DATABASE_CA_FILE === undefined ? {} : { ca: readFileSync(DATABASE_CA_FILE) }),
  };
  return {
    host,
    port,
    database: DATABASE_NAME,
    username: role,
    password: async () => passwordIn(role, signer),
    ssl: DATABASE_TLS === 'off' ? false : tls,
  };
}
