import type { Sql, TransactionSql } from 'postgres';
import type { Clock } from '../../kernel/clock.ts';
import { newId } from '../../kernel/ids.ts';
import { tokenInvalid } from './email-tokens.sql.ts';

/**
 * Adds a customer, not confirmed yet, with an e-mail that is in lower case. One that is there already stays as it is,
 * unless it was never confirmed and may be written `anew`.
 * @returns the customer's id, and whether what was given is what the account has now
 */
export async function enrol(
  tx: TransactionSql,
  { email, name, passwordHash, anew }: { email: string; name: string; passwordHash: string; anew: boolean },
  clock: Clock,
): Promise<{ id: string; isNew: boolean }> {
  const now = new Date(clock.now());
  const [row] = await tx<{ id: string; isNew: boolean }[]>`
    insert into customers.customers as c (id, email, name, password_hash, created_at, updated_at, confirmed_at)
    values (${newId('customer', clock)}, ${email}, ${name}, ${passwordHash}, ${now}, ${now}, null)
    on conflict (email) do update set
      name = case when c.confirmed_at is null and ${anew} then excluded.name else c.name end,
      password_hash =
        case when c.confirmed_at is null and ${anew} then excluded.password_hash else c.password_hash end
    returning id, password_hash = ${passwordHash} as is_new`;
  return row!;
}

/** The id of the customer with this e-mail. */
export async function findByEmail(tx: TransactionSql, email: string): Promise<string | undefined> {
  const [row] = await tx<{ id: string }[]>`select id from customers.customers where email = ${email}`;
  return row?.id;
}

/** The e-mail of a customer is theirs, as they have proved. */
export async function confirmCustomer(tx: TransactionSql, id: string, clock: Clock): Promise<void> {
  await tx`
    update customers.customers set confirmed_at = coalesce(confirmed_at, ${new Date(clock.now())}) where id = ${id}`;
}

/** Gives a customer another password. @returns their e-mail */
export async function setPassword(
  tx: TransactionSql,
  { id, passwordHash }: { id: string; passwordHash: string },
): Promise<string> {
  const [row] = await tx<{ email: string }[]>`
    update customers.customers set password_hash = ${passwordHash}, password_version = password_version + 1
    where id = ${id} returning email`;
  return row!.email;
}

/**
 * Gives a customer another e-mail, which is confirmed. @returns the one before
 * @throws Problem token-invalid when somebody else has it by now
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
  return before!.email;
}

/** How many passwords a customer has had. */
export async function passwordVersionOf(sql: Sql, id: string): Promise<number | undefined> {
  const [row] = await sql<{ passwordVersion: number }[]>`
    select password_version from customers.customers where id = ${id}`;
  return row?.passwordVersion;
}
