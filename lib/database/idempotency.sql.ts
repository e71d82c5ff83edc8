import type { Sql, TransactionSql } from 'postgres';
import { Problem } from '../contract/api/problems.ts';
import type { Clock } from '../kernel/clock.ts';
import { inTransaction } from './transaction.sql.ts';

/** The three tables of the same shape, one a service. */
export type KeyTable = 'customers.idempotency_keys' | 'catalog.idempotency_keys' | 'orders.idempotency_keys';

/** An answer as it was first given. The body is kept as the text that was sent. */
export type Answer = { status: number; headers: Record<string, string>; body: string | undefined };

export type Claim = {
  caller: string;
  key: string | undefined;
  operation: string;
  fingerprint: string;
  /** Kept beside what the request did, so that its log lines are found again. */
  requestId?: string;
};

export type KeyOptions = { table: KeyTable; clock: Clock; keepSeconds: number };

/**
 * Runs `work` in one transaction, once for each caller and key: the first answer is stored by that same transaction,
 * and a repeat gets it back without running anything. Without a key it simply runs.
 * @throws Problem idempotency-key-reused when the key came with another request; request-in-flight while the first
 *   one is still at it
 */
export async function once(
  sql: Sql,
  claim: Claim,
  options: KeyOptions,
  work: (tx: TransactionSql) => Promise<Answer>,
): Promise<{ answer: Answer; replayed: boolean }> {
  return inTransaction(sql, async (tx) => {
    const { key } = claim;
    if (key === undefined) return { answer: await work(tx), replayed: false };
    const [gate] = await tx<[{ free: boolean }]>`
      select pg_catalog.pg_try_advisory_xact_lock(pg_catalog.hashtextextended(${lockName(claim)}, 0)) as free`;
    if (!gate.free) throw inFlight();
    const first = await findAnswer(tx, { ...claim, key }, options);
    if (first !== undefined) return { answer: first, replayed: true };
    const answer = await work(tx);
    const now = options.clock.now();
    await tx`
      insert into ${tx(options.table)} as k
        (caller, key, operation, request_hash, status, headers, body, created_at, expires_at)
      values (
        ${claim.caller}, ${key}, ${claim.operation}, ${claim.fingerprint}, ${answer.status},
        ${JSON.stringify(answer.headers)}::text::jsonb, ${answer.body ?? null}, ${new Date(now)},
        ${new Date(now + options.keepSeconds * 1000)}
      )
      on conflict (caller, key) do update set
        operation = excluded.operation, request_hash = excluded.request_hash, status = excluded.status,
        headers = excluded.headers, body = excluded.body,
        created_at = excluded.created_at, expires_at = excluded.expires_at
      where k.expires_at <= excluded.created_at`;
    return { answer, replayed: false };
  });
}

/**
 * The answer that this caller first got under this key, if it is still kept.
 * @throws Problem idempotency-key-reused when it was an answer to another request
 */
export async function findAnswer(
  sql: Sql | TransactionSql,
  claim: Claim & { key: string },
  options: KeyOptions,
): Promise<Answer | undefined> {
  const { table, clock } = options;
  const [row] = await sql`
    select request_hash, status, headers, body from ${sql(table)}
    where caller = ${claim.caller} and key = ${claim.key} and expires_at > ${new Date(clock.now())}`;
  return row && replayAnswer(sql, claim, options, row as StoredAnswer);
}

export type StoredAnswer = {
  requestHash: string;
  status: number;
  headers: Record<string, string>;
  body: string | null;
};

/**
 * A stored answer as it is given to a repeat. One that may still be replaced, by that of a request that is waiting, is
 * fixed first, so that everybody gets the same.
 * @throws Problem idempotency-key-reused when it was an answer to another request
 */
export async function replayAnswer(
  sql: Sql | TransactionSql,
  claim: Claim & { key: string },
  { table }: KeyOptions,
  stored: StoredAnswer,
): Promise<Answer> {
  if (stored.requestHash !== claim.fingerprint) {
    throw new Problem(
      'idempotency-key-reused',
      'This key came first with another request; use a new key for a new one.',
    );
  }
  if (stored.status !== 202 || repeatedHeader in stored.headers) return toAnswer(stored);
  const [now] = await sql`
    update ${sql(table)} set headers = headers || ${JSON.stringify({ [repeatedHeader]: 'true' })}::text::jsonb
    where caller = ${claim.caller} and key = ${claim.key}
    returning status, headers, body`;
  return toAnswer((now as StoredAnswer | undefined) ?? stored);
}

/** Kept among an answer's headers once a repeat was given it. */
const repeatedHeader = 'idempotency-replayed';

function toAnswer({ status, headers, body }: StoredAnswer): Answer {
  const { [repeatedHeader]: _, ...own } = headers;
  return { status, headers: own, body: body ?? undefined };
}

/**
 * Replaces a stored answer by the one that its request has come to in the end, unless the stored one was given to a
 * repeat meanwhile.
 * @returns whether it did; the stored answer is the one to give when it did not
 */
export async function storeFinalAnswer(
  sql: Sql,
  claim: Claim & { key: string },
  { table }: Pick<KeyOptions, 'table'>,
  answer: { status: number; headers: Record<string, string>; body: string },
): Promise<boolean> {
  const { count } = await sql`
    update ${sql(table)}
    set status = ${answer.status}, headers = ${JSON.stringify(answer.headers)}::text::jsonb, body = ${answer.body}
    where caller = ${claim.caller} and key = ${claim.key} and request_hash = ${claim.fingerprint}
      and not headers ? ${repeatedHeader}`;
  return count > 0;
}

/** What the transaction-level lock of a claim is named by. */
export const lockName = ({ caller, key }: Claim): string => `${caller}\n${key}`;

export const inFlight = (): Problem =>
  new Problem('request-in-flight', 'Try again in a moment: the first answer will be given then.', {
    headers: { 'retry-after': '1' },
  });
