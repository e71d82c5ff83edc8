import type { Sql, TransactionSql } from 'postgres';
import type { Identity } from '../../contract/api/identities.ts';
import type { Clock } from '../../kernel/clock.ts';
import { newId } from '../../kernel/ids.ts';

type Handle = Sql | TransactionSql;

/** A user of an issuer. */
export type Name = { issuer: string; subject: string };

/**
 * Whose this identity is, once it has been noted that it was used; undefined when it is nobody's. Until the transaction
 * ends it cannot be taken from its customer.
 */
export async function useIdentity(
  tx: TransactionSql,
  { issuer, subject }: Name,
  clock: Clock,
): Promise<string | undefined> {
  const [row] = await tx<{ customerId: string }[]>`
    update customers.identities set last_used_at = ${new Date(clock.now())}
    where issuer = ${issuer} and subject = ${subject}
    returning customer_id`;
  return row?.customerId;
}

/** Makes an identity a customer's. @returns undefined when it is somebody's already */
export async function insertIdentity(
  sql: Handle,
  { issuer, subject }: Name,
  customerId: string,
  clock: Clock,
): Promise<Identity | undefined> {
  const now = new Date(clock.now());
  const [row] = await sql<Row[]>`
    insert into customers.identities (id, issuer, subject, customer_id, linked_at, last_used_at)
    values (${newId('identity', clock)}, ${issuer}, ${subject}, ${customerId}, ${now}, ${now})
    on conflict (issuer, subject) do nothing
    returning ${shown(sql)}`;
  return row && toIdentity(row);
}

/** A customer's own identity by its name. */
export async function findIdentity(sql: Handle, { issuer, subject }: Name, customerId: string) {
  const [row] = await sql<Row[]>`
    select ${shown(sql)} from customers.identities
    where issuer = ${issuer} and subject = ${subject} and customer_id = ${customerId}`;
  return row && toIdentity(row);
}

/** A customer's identities, the newest first. */
export async function listIdentities(sql: Handle, customerId: string): Promise<Identity[]> {
  const rows = await sql<Row[]>`
    select ${shown(sql)} from customers.identities where customer_id = ${customerId} order by id desc limit 100`;
  return rows.map(toIdentity);
}

/** Takes an identity from its customer, who is waited for while they sign in with it. @returns its name */
export async function deleteIdentity(tx: TransactionSql, id: string, customerId: string): Promise<Name | undefined> {
  const [row] = await tx<Name[]>`
    delete from customers.identities where id = ${id} and customer_id = ${customerId} returning issuer, subject`;
  return row;
}

/** Who has an e-mail, and whether it is known to be theirs. */
export async function findByEmail(sql: Handle, email: string): Promise<{ id: string; confirmed: boolean } | undefined> {
  const [row] = await sql<{ id: string; confirmed: boolean }[]>`
    select id, confirmed_at is not null as confirmed from customers.customers where email = ${email}`;
  return row;
}

/** Adds a customer whose e-mail the issuer has confirmed. @returns undefined when somebody has the e-mail already */
export async function insertConfirmed(
  sql: Handle,
  { email, name, passwordHash }: { email: string; name: string; passwordHash: string },
  clock: Clock,
): Promise<string | undefined> {
  const now = new Date(clock.now());
  const [row] = await sql<{ id: string }[]>`
    insert into customers.customers (id, email, name, password_hash, created_at, updated_at, confirmed_at)
    values (${newId('customer', clock)}, ${email}, ${name}, ${passwordHash}, ${now}, ${now}, ${now})
    on conflict (email) do nothing
    returning id`;
  return row?.id;
}

type Row = { id: string; issuer: string; linkedAt: Date; lastUsedAt: Date };

const shown = (sql: Handle) => sql`id, issuer, linked_at, last_used_at`;

const toIdentity = ({ id, issuer, linkedAt, lastUsedAt }: Row): Identity => ({
  id,
  issuer,
  linkedAt: linkedAt.toISOString(),
  lastUsedAt: lastUsedAt.toISOString(),
});
