import type { Sql, TransactionSql } from 'postgres';
import type { VersionCondition } from '../../contract/api/common.ts';
import type { Customer } from '../../contract/api/customers.ts';
import { Problem } from '../../contract/api/problems.ts';
import { customerUpdated } from '../../contract/events/domain-events.ts';
import { atVersion } from '../../database/version-condition.sql.ts';
import type { Clock } from '../../kernel/clock.ts';
import { customerEvent } from './events.sql.ts';

type Handle = Sql | TransactionSql;

/** @throws Problem not-found */
export async function findCustomer(sql: Handle, id: string): Promise<Customer> {
  const [row] = await sql<CustomerRow[]>`
    select ${shownCustomer(sql)} from customers.customers where id = ${id} and erased_at is null`;
  if (row === undefined) throw notFound();
  return toCustomer(row);
}

/** The id of the customer with an e-mail address; undefined when nobody has it. */
export async function findIdByEmail(sql: Sql, email: string): Promise<string | undefined> {
  const [row] = await sql<{ id: string }[]>`select id from customers.customers where email = ${email}`;
  return row?.id;
}

export type CustomerChanges = {
  name?: string | undefined;
  /** `null` removes the address. */
  address?: Customer['address'] | undefined;
  premium?: boolean | undefined;
  verifiedVatNumber?: string | null | undefined;
  suspended?: boolean | undefined;
};

/**
 * Changes the given fields of a customer, if their version meets the condition, and writes the event of it.
 * @param requestId the API request: the correlation id of the event
 * @throws Problem not-found, version-stale
 */
export async function updateCustomer(
  sql: Handle,
  id: string,
  changes: CustomerChanges,
  condition: VersionCondition,
  clock: Clock,
  requestId?: string,
): Promise<Customer> {
  const { name, address, premium, verifiedVatNumber, suspended } = changes;
  const now = new Date(clock.now());
  const [row] = await sql<CustomerRow[]>`
    with changed as (
      update customers.customers set
        name = coalesce(${name ?? null}, name),
        address = case when ${address === undefined} then address else ${address ? JSON.stringify(address) : null}::text::jsonb end,
        premium = coalesce(${premium ?? null}, premium),
        verified_vat_number = case when ${verifiedVatNumber === undefined} then verified_vat_number else ${verifiedVatNumber ?? null}::text end,
        suspended_at = case ${suspended ?? null}::boolean
          when true then coalesce(suspended_at, ${now}) when false then null else suspended_at end,
        version = version + 1,
        updated_at = ${now}
      where id = ${id} and erased_at is null ${atVersion(sql, condition)}
      returning ${shownCustomer(sql)}, announced
    ),
    written as (${customerEvent(sql, customerUpdated, { clock, requestId })})
    select ${fields(sql)} from changed`;
  if (row !== undefined) return toCustomer(row);
  const current = await findCustomer(sql, id);
  throw new Problem('version-stale', `The customer is now at version ${current.version}. Read it again.`);
}

/** Whether and how a customer may get in. */
export type Access = {
  id: string;
  suspended: boolean;
  /** As `findStanding` says. */
  accessVersion: number;
};

/** A customer's password hash, and what else checking a password needs. */
export type StoredPassword = Access & {
  email: string;
  passwordHash: string;
  /** Whether the e-mail address is confirmed. */
  confirmed: boolean;
};

/** By e-mail address; undefined when no customer has it. */
export async function findStoredPassword(sql: Handle, email: string): Promise<StoredPassword | undefined> {
  const [row] = await sql<StoredPassword[]>`select ${secret(sql)} from customers.customers where email = ${email}`;
  return row;
}

/**
 * By the customer's id.
 * @throws Problem not-found
 */
export async function findStoredPasswordOf(sql: Handle, id: string): Promise<StoredPassword> {
  const [row] = await sql<StoredPassword[]>`
    select ${secret(sql)} from customers.customers where id = ${id} and erased_at is null`;
  if (row === undefined) throw notFound();
  return row;
}

const secret = (sql: Handle) => sql`
  id, email, password_hash, access_version, suspended_at is not null as suspended, confirmed_at is not null as confirmed`;

/** Replaces a hash by another one of the same password, unless the password was changed meanwhile. */
export async function replacePasswordHash(
  sql: Handle,
  id: string,
  { from, to }: { from: string; to: string },
): Promise<void> {
  await sql`update customers.customers set password_hash = ${to} where id = ${id} and password_hash = ${from}`;
}

export type CustomerRow = Omit<Customer, 'createdAt' | 'updatedAt'> & { createdAt: Date; updatedAt: Date };

const fields = (sql: Handle) => sql`
  id, email, name, address, premium, verified_vat_number, suspended, created_at, updated_at, version`;

/** The columns of a CustomerRow. */
export const shownCustomer = (sql: Handle) => sql`
  id, email, name, address, premium, verified_vat_number, suspended_at is not null as suspended, created_at, updated_at, version`;

export const toCustomer = ({ createdAt, updatedAt, ...row }: CustomerRow): Customer => ({
  ...row,
  createdAt: createdAt.toISOString(),
  updatedAt: updatedAt.toISOString(),
});

const notFound = (): Problem => new Problem('not-found', 'This customer does not exist.');
