import type { Sql, TransactionSql } from 'postgres';
import type { ExternalIdentity } from '../../auth/identity/identity-links.dynamo.ts';
import type { Identity } from '../../contract/api/identities.ts';
import { Problem } from '../../contract/api/problems.ts';
import type { Clock } from '../../kernel/clock.ts';
import { newId } from '../../kernel/ids.ts';
import { joinGuestOrders } from '../customers/accounts.sql.ts';
import type { Access } from '../customers/customers.sql.ts';

type Handle = Sql | TransactionSql;

/** The access of the customer that an identity is linked to. Tokens issued before `notBefore` no longer count. */
export type Link = Access & { notBefore: number };

/**
 * Notes that an identity was used, and locks it until the transaction ends.
 * @param email the address that the issuer reports now
 * @returns the access of the customer that it is linked to, if any
 */
export async function touchIdentity(
  tx: TransactionSql,
  { issuer, subject }: ExternalIdentity,
  email: string | undefined,
  clock: Clock,
): Promise<Link | undefined> {
  const [row] = await tx<{ customerId: string }[]>`
    update customers.identities
    set last_used_at = ${new Date(clock.now())}, email = coalesce(${email ?? null}::text, email)
    where issuer = ${issuer} and subject = ${subject}
    returning customer_id`;
  if (row === undefined) return undefined;
  // A statement of its own, because it must see what was committed while the one above waited for its lock.
  const [customer] = await tx<(Omit<Access, 'id'> & { tokensNotBefore: Date | null })[]>`
    select tokens_not_before, access_version, suspended_at is not null as suspended
    from customers.customers where id = ${row.customerId}`;
  const { tokensNotBefore, ...access } = customer!;
  return { id: row.customerId, notBefore: tokensNotBefore?.getTime() ?? 0, ...access };
}

/**
 * From now on refuses the tokens that issuers have issued to a customer so far, and sign-ins that have begun. Locks the
 * customer's identities until the transaction ends.
 * @returns the identities, whose links must be written anew, and whether the customer is suspended
 */
export async function refuseTokens(
  tx: TransactionSql,
  customerId: string,
  clock: Clock,
): Promise<{ suspended: boolean; linked: ExternalIdentity[] }> {
  const [customer] = await tx<{ suspended: boolean }[]>`
    update customers.customers
    set tokens_not_before = ${new Date(clock.now())}, access_version = access_version + 1
    where id = ${customerId} returning suspended_at is not null as suspended`;
  const linked = await tx<ExternalIdentity[]>`
    select issuer, subject from customers.identities where customer_id = ${customerId} for update`;
  return { suspended: customer!.suspended, linked };
}

/** Unlinks every identity of a customer. */
export const deleteIdentities = (tx: TransactionSql, customerId: string): Promise<ExternalIdentity[]> =>
  tx<ExternalIdentity[]>`delete from customers.identities where customer_id = ${customerId} returning issuer, subject`;

/**
 * The e-mail address of a customer.
 * @throws Problem not-found when the customer was erased
 */
export async function addressOf(tx: TransactionSql, customerId: string): Promise<string> {
  const [row] = await tx<{ email: string }[]>`
    select email from customers.customers where id = ${customerId} and erased_at is null`;
  if (row === undefined) throw new Problem('not-found', 'This customer does not exist.');
  return row.email;
}

/** Links an identity to a customer. @returns undefined when it is linked already */
export async function insertIdentity(
  sql: Handle,
  { issuer, subject, email }: ExternalIdentity & { email: string | undefined },
  customerId: string,
  clock: Clock,
): Promise<Identity | undefined> {
  const now = new Date(clock.now());
  const [row] = await sql<Row[]>`
    insert into customers.identities (id, issuer, subject, email, customer_id, linked_at, last_used_at)
    values (${newId('identity', clock)}, ${issuer}, ${subject}, ${email ?? null}, ${customerId}, ${now}, ${now})
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
  if (row !== undefined) await joinGuestOrders(sql, row.id, clock);
  return row?.id;
}

type Row = { id: string; issuer: string; email: string | null; linkedAt: Date; lastUsedAt: Date };

const shown = (sql: Handle) => sql`id, issuer, email, linked_at, last_used_at`;

const toIdentity = ({ id, issuer, email, linkedAt, lastUsedAt }: Row): Identity => ({
  id,
  issuer,
  email,
  linkedAt: linkedAt.toISOString(),
  lastUsedAt: lastUsedAt.toISOString(),
});
