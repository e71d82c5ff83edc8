import type { Sql, TransactionSql } from 'postgres';
import type { ExternalIdentity } from '../../auth/identity/identity-links.dynamo.ts';
import type { Identity } from '../../contract/api/identities.ts';
import type { Clock } from '../../kernel/clock.ts';
import { newId } from '../../kernel/ids.ts';

type Handle = Sql | TransactionSql;

/**
 * Notes that an identity was used, and locks it until the transaction ends.
 * @returns the customer that it is linked to, if any
 */
export async function touchIdentity(
  tx: TransactionSql,
  { issuer, subject }: ExternalIdentity,
  clock: Clock,
): Promise<string | undefined> {
  const [row] = await tx<{ customerId: string }[]>`
    update customers.identities set last_used_at = ${new Date(clock.now())}
    where issuer = ${issuer} and subject = ${subject}
    returning customer_id`;
  return row?.customerId;
}

/** Links an identity to a customer. @returns undefined when it is linked already */
export async function insertIdentity(
  sql: Handle,
  { issuer, subject }: ExternalIdentity,
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

/** An identity, if it is linked to this customer. */
export async function findIdentity(sql: Handle, { issuer, subject }: ExternalIdentity, customerId: string) {
  const [row] = await sql<Row[]>`
    select ${shown(sql)} from customers.identities
    where issuer = ${issuer} and subject = ${subject} and customer_id = ${customerId}`;
  return row && toIdentity(row);
}

/** A customer's identities, newest first. */
export async function listIdentities(sql: Handle, customerId: string): Promise<Identity[]> {
  const rows = await sql<Row[]>`
    select ${shown(sql)} from customers.identities where customer_id = ${customerId} order by id desc limit 100`;
  return rows.map(toIdentity);
}

/** Unlinks an identity from its customer. Waits while the customer signs in with it. */
export async function deleteIdentity(
  tx: TransactionSql,
  id: string,
  customerId: string,
): Promise<ExternalIdentity | undefined> {
  const [row] = await tx<ExternalIdentity[]>`
    delete from customers.identities where id = ${id} and customer_id = ${customerId} returning issuer, subject`;
  return row;
}

/** The customer with an e-mail address, and whether they have confirmed it. */
export async function findByEmail(sql: Handle, email: string): Promise<{ id: string; confirmed: boolean } | undefined> {
  const [row] = await sql<{ id: string; confirmed: boolean }[]>`
    select id, confirmed_at is not null as confirmed from customers.customers where email = ${email}`;
  return row;
}

/** Adds a customer whose e-mail address the issuer has confirmed. @returns undefined when a customer has it already */
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
