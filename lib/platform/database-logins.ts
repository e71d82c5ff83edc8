import postgres, { type Sql } from 'postgres';
import { databaseRoles } from '../contract/deploy/roles.ts';
import { makeOwner, setVerifier } from '../database/owner.sql.ts';
import { config } from './config.ts';
import { passwordFrom, secretNamed } from './database-logins.gateway.ts';
import { scramVerifier } from './scram.ts';
import { connectionOf } from './sql.ts';

/** What a stage does whose database roles log in by passwords: before its migrations, and after them. */
export type DatabaseLogins = {
  /** Makes the database and its owner. */
  prepare(): Promise<void>;
  /** Gives each other role the password of its secret. */
  setPasswords(sql: Sql): Promise<void>;
};

/** Undefined where roles log in by IAM. The secret of who makes the database is one that Amazon RDS makes, with `username` and `password`. */
export function databaseLogins(): DatabaseLogins | undefined {
  const { DATABASE_SECRETS: prefix, DATABASE_ADMIN_SECRET_ARN: admin, DATABASE_HOST: host } = config();
  if (prefix === undefined || admin === undefined || host === undefined) return undefined;
  const verifierOf = async (role: string) => scramVerifier(await passwordFrom(prefix, role));
  return {
    async prepare() {
      const { username, password } = readAdmin(await secretNamed(admin));
      const connection = { ...connectionOf(host, 'migrator'), database: 'postgres', username, password };
      const sql = postgres({ ...connection, max: 1, fetch_types: false, onnotice: () => {} }) as unknown as Sql;
      try {
        await makeOwner(sql, {
          database: config().DATABASE_NAME,
          verifier: await verifierOf('migrator'),
          byIam: false,
        });
      } finally {
        await sql.end({ timeout: 1 });
      }
    },
    async setPasswords(sql) {
      for (const role of databaseRoles) if (role !== 'migrator') await setVerifier(sql, role, await verifierOf(role));
    },
  };
}

/** @throws Error that never contains the value */
function readAdmin(text: string): { username: string; password: string } {
  let parsed: { username?: unknown; password?: unknown } = {};
  try {
    parsed = JSON.parse(text);
  } catch {
    // Said below.
  }
  const { username, password } = parsed;
  if (typeof username === 'string' && typeof password === 'string') return { username, password };
  throw new Error('the secret at DATABASE_ADMIN_SECRET_ARN does not contain username and password as JSON');
}
