import type { Sql, TransactionSql } from 'postgres';
import type { Clock } from '../../kernel/clock.ts';
import { newId } from '../../kernel/ids.ts';
import { tokenInvalid } from './email-tokens.sql.ts';

/**
 * Adds an unconfirmed customer. `email` must be in lower case. An existing customer with this e-mail address is left
 * unchanged, unless `replace` is true and the address was never confirmed.
 * @returns the customer's id, and whether the account now has the given name and password
 */
export async function enrol(
  tx: TransactionSql,
  { email, name, passwordHash, replace }: { email: string; name: string; passwordHash: string; replace: boolean },
  clock: Clock,
): Promise<{ id: string; isNew: boolean }> {
  const now = new Date(clock.now());
  const [row] = await tx<{ id: string; isNew: boolean }[]>`
    insert into customers.customers as c (id, email, name, password_hash, created_at, updated_at, confirmed_at)
    values (${newId('customer', clock)}, ${email}, ${name}, ${passwordHash}, ${now}, ${now}, null)
    on conflict (email) do update set
      name = case when c.confirmed_at is null and ${replace} then excluded.name else c.name end,
      password_hash =
        case when c.confirmed_at is null and ${replace} then excluded.password_hash else c.password_hash end
    returning id, password_hash = ${passwordHash} as is_new`;
  return row!;
}

/** The id of the customer with this e-mail address, if there is one. */
export async function findByEmail(tx: TransactionSql, email: string): Promise<string | undefined> {
  const [row] = await tx<{ id: string }[]>`select id from customers.customers where email = ${email}`;
  return row?.id;
}

/** Marks a customer's e-mail address as confirmed, and gives them the orders that guests placed with it. */
export async function confirmCustomer(tx: TransactionSql, id: string, clock: Clock): Promise<void> {
  await tx`
    update customers.customers set confirmed_at = coalesce(confirmed_at, ${new Date(clock.now())}) where id = ${id}`;
  await joinGuestOrders(tx, id, clock);
}

/** Gives a customer the orders that guests placed with their e-mail address, if it is confirmed. */
export async function joinGuestOrders(sql: Sql | TransactionSql, id: string, clock: Clock): Promise<void> {
  await sql`select orders.join_guest_orders(${id}, ${new Date(clock.now())}::timestamptz)`;
}

/**
 * Sets a customer's password, and their name if one is given: their version goes up then.
 * @returns their e-mail address
 */
export async function setPassword(
  tx: TransactionSql,
  { id, passwordHash, name }: { id: string; passwordHash: string; name?: string | undefined },
): Promise<string> {
  const [row] = await tx<{ email: string }[]>`
    update customers.customers set
      password_hash = ${passwordHash}, name = coalesce(${name ?? null}, name),
      version = version + case when ${name === undefined} then 0 else 1 end
    where id = ${id} returning email`;
  return row!.email;
}

/**
 * Sets a customer's e-mail address and marks it as confirmed. The orders that guests placed with it are theirs.
 * @returns the previous address
 * @throws Problem token-invalid when another customer has the address by now
 */
export async function setEmail(
  tx: TransactionSql,
  { id, email }: { id: string; email: string },
  clock: Clock,
): Promise<string> {
  const now = new Date(clock.now());
  const [before] = await tx<{ email: string }[]>`select email from customers.customers where id = ${id} for update`;
  try {
    await tx`
      update customers.customers
      set email = ${email}, confirmed_at = ${now}, updated_at = ${now}, version = version + 1
      where id = ${id}`;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === '23505') throw tokenInvalid();
    throw error;
  }
  await joinGuestOrders(tx, id, clock);
  return before!.email;
}

/**
 * What a sign-in has to know once it has opened a session; undefined when the customer is erased. `accessVersion` goes up by
 * one with each change of how a customer gets in: their password, identities, sign-out, suspension.
 */
export async function findStanding(
  sql: Sql,
  id: string,
): Promise<{ accessVersion: number; announced: boolean } | undefined> {
  const [row] = await sql<{ accessVersion: number; announced: boolean }[]>`
    select access_version, announced from customers.customers where id = ${id} and erased_at is null`;
  return row;
}
