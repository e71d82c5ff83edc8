import { createHash, randomBytes } from 'node:crypto';
import type { Sql, TransactionSql } from 'postgres';
import { Problem } from '../../contract/api/problems.ts';
import type { Clock } from '../../kernel/clock.ts';

/** How long a token of each purpose is valid, in seconds. */
const tokenSeconds = { confirm: 24 * 3600, reset: 3600, change: 24 * 3600 } as const;
export type TokenPurpose = keyof typeof tokenSeconds;

/** A new token: 256 random bits, with a prefix that identifies the kind. Store only the hash. */
function mintEmailToken(): { token: string; hash: string } {
  const token = `cfe_${randomBytes(32).toString('base64url')}`;
  return { token, hash: hashOf(token) };
}

/** The hash under which a token is stored. */
export const hashOf = (token: string): string => createHash('sha256').update(token).digest('base64url');

/**
 * Gives a customer a token, which replaces their previous one of the same purpose. Nobody knows it yet: it is made when
 * its mail is sent. With `when` false the same statement runs and writes no row.
 */
export async function giveToken(
  tx: TransactionSql,
  to: { customerId: string; purpose: TokenPurpose; email?: string; when: boolean },
  clock: Clock,
): Promise<void> {
  const now = clock.now();
  await tx`
    insert into customers.email_tokens (customer_id, purpose, email, created_at, expires_at)
    select ${to.customerId}::text, ${to.purpose}::text, ${to.email ?? null}::text,
      ${new Date(now)}::timestamptz, ${new Date(now + tokenSeconds[to.purpose] * 1000)}::timestamptz
    where ${to.when}
    on conflict (customer_id, purpose) do update set
      hash = null, email = excluded.email, created_at = excluded.created_at,
      expires_at = excluded.expires_at, used_at = null`;
}

/**
 * Makes the token that a mail is about to bring. An earlier one for the same purpose works no more.
 * @returns undefined when the customer needs it no more: it was used, voided or has expired
 */
export async function makeToken(
  sql: Sql,
  { customerId, purpose }: { customerId: string; purpose: TokenPurpose },
  clock: Clock,
): Promise<string | undefined> {
  const { token, hash } = mintEmailToken();
  const { count } = await sql`
    update customers.email_tokens set hash = ${hash}
    where customer_id = ${customerId} and purpose = ${purpose} and used_at is null
      and expires_at > ${new Date(clock.now())}`;
  return count === 0 ? undefined : token;
}

/**
 * Uses a token. It is valid once.
 * @throws Problem token-invalid when it is unknown, used, expired or of another purpose
 */
export async function useToken(
  tx: TransactionSql,
  { purpose, hash }: { purpose: TokenPurpose; hash: string },
  clock: Clock,
): Promise<{ customerId: string; email: string | null }> {
  const now = new Date(clock.now());
  const [row] = await tx<{ customerId: string; email: string | null }[]>`
    update customers.email_tokens set used_at = ${now}
    where hash = ${hash} and purpose = ${purpose} and used_at is null and expires_at > ${now}
    returning customer_id, email`;
  if (row === undefined) throw tokenInvalid();
  return row;
}

/**
 * Checks a token without using it.
 * @returns its customer's e-mail and name
 * @throws Problem token-invalid
 */
export async function checkToken(
  sql: Sql,
  { purpose, hash }: { purpose: TokenPurpose; hash: string },
  clock: Clock,
): Promise<{ email: string; name: string }> {
  const [row] = await sql<{ email: string; name: string }[]>`
    select c.email, c.name from customers.email_tokens t join customers.customers c on c.id = t.customer_id
    where t.hash = ${hash} and t.purpose = ${purpose} and t.used_at is null and t.expires_at > ${new Date(clock.now())}`;
  if (row === undefined) throw tokenInvalid();
  return row;
}

/** Makes all tokens of a customer invalid. */
export async function voidTokens(tx: TransactionSql, customerId: string, clock: Clock): Promise<void> {
  await tx`
    update customers.email_tokens set used_at = ${new Date(clock.now())}
    where customer_id = ${customerId} and used_at is null`;
}

/** Deletes about `limit` expired tokens, used or not, the oldest first. @returns how many */
export async function purgeTokens(sql: Sql, { now, limit }: { now: Date; limit: number }): Promise<number> {
  const { count } = await sql`
    delete from customers.email_tokens
    where expires_at <= least(${now}, (select expires_at from customers.email_tokens order by expires_at offset ${limit - 1} limit 1))`;
  return count;
}

export const tokenInvalid = (): Problem =>
  new Problem('token-invalid', 'The token is unknown, expired, or was used before. Request a new one.');
