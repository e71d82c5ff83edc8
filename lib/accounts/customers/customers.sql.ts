import type { Sql, TransactionSql } from 'postgres';
import type { Customer } from '../../contract/api/customers.ts';
import { Problem } from '../../contract/api/problems.ts';
import type { Clock } from '../../kernel/clock.ts';

type Handle = Sql | TransactionSql;

/** @throws Problem not-found */
export async function findCustomer(sql: Handle, id: string): Promise<Customer> {
  const [row] = await sql<Row[]>`select ${shown(sql)} from customers.customers where id = ${id}`;
  if (row === undefined) throw notFound();
  return toCustomer(row);
}

export type CustomerChanges = {
  name?: string | undefined;
  /** `null` takes the address away. */
  address?: Customer['address'] | undefined;
  premium?: boolean | undefined;
};

/**
 * Changes what is given of a customer, if the customer is still at `version` or none is named.
 * @throws Problem not-found, version-stale
 */
export async function updateCustomer(
  sql: Handle,
  id: string,
  changes: CustomerChanges,
  version: number | undefined,
  clock: Clock,
): Promise<Customer> {
  const { name, address, premium } = changes;
  const [row] = await sql<Row[]>`
    update customers.customers set
      name = coalesce(${name ?? null}, name),
      address = case when ${address === undefined} then address else ${address ? JSON.stringify(address) : null}::text::jsonb end,
      premium = coalesce(${premium ?? null}, premium),
      version = version + 1,
      updated_at = ${new Date(clock.now())}
    where id = ${id} and version = coalesce(${version ?? null}, version)
    returning ${shown(sql)}`;
  if (row !== undefined) return toCustomer(row);
  const current = await findCustomer(sql, id);
  throw new Problem('version-stale', `The customer is at version ${current.version} now; read it again.`);
}

export type Credentials = {
  id: string;
  email: string;
  passwordHash: string;
  passwordVersion: number;
  /** Whether the e-mail is known to be the customer's. */
  confirmed: boolean;
};

/** What a sign-in needs; undefined when nobody has this e-mail. */
export async function findCredentials(sql: Handle, email: string): Promise<Credentials | undefined> {
  const [row] = await sql<Credentials[]>`select ${secret(sql)} from customers.customers where email = ${email}`;
  return row;
}

/** @throws Problem not-found */
export async function findOwnCredentials(sql: Handle, id: string): Promise<Credentials> {
  const [row] = await sql<Credentials[]>`select ${secret(sql)} from customers.customers where id = ${id}`;
  if (row === undefined) throw notFound();
  return row;
}

const secret = (sql: Handle) => sql`id, email, password_hash, password_version, confirmed_at is not null as confirmed`;

/** Puts a new hash of the same password in the place of `from`, unless that has changed meanwhile. */
export async function replacePasswordHash(
  sql: Handle,
  id: string,
  { from, to }: { from: string; to: string },
): Promise<void> {
  await sql`update customers.customers set password_hash = ${to} where id = ${id} and password_hash = ${from}`;
}

type Row = Omit<Customer, 'createdAt' | 'updatedAt'> & { createdAt: Date; updatedAt: Date };

const shown = (sql: Handle) => sql`id, email, name, address, premium, created_at, updated_at, version`;

const toCustomer = ({ createdAt, updatedAt, ...row }: Row): Customer => ({
  ...row,
  createdAt: createdAt.toISOString(),
  updatedAt: updatedAt.toISOString(),
});

const notFound = (): Problem => new Problem('not-found', 'There is no such customer.');
