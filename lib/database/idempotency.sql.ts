import type { Sql, TransactionSql } from 'postgres';
import { Problem } from '../contract/api/problems.ts';
import type { Clock } from '../kernel/clock.ts';
import { inTransaction } from './transaction.sql.ts';

/** Tables of the same shape, one for each database role whose requests take a key: none sees the answers of another. */
export const keyTables = [
  'customers.idempotency_keys',
  'catalog.idempotency_keys',
  'orders.idempotency_keys',
  'orders.review_idempotency_keys',
  'orders.fulfilment_idempotency_keys',
  'payments.idempotency_keys',
  'reports.idempotency_keys',
] as const;
export type KeyTable = (typeof keyTables)[number];

/** The first answer to a request. `body` is the text that was sent. */
export type Answer = { status: number; headers: Record<string, string>; body: string | undefined };

/** A request that claims an idempotency key. */
export type Claim = {
  caller: string;
  key: string | undefined;
  operation: string;
  /** The same for two requests that ask for the same thing. */
  fingerprint: string;
  /** Stored beside what the request did; leads to its log lines. */
  requestId?: string;
};

export type KeyOptions = { table: KeyTable; clock: Clock; keepSeconds: number };

/**
 * Runs `work` in one transaction, at most once for each caller and key. The same transaction stores the answer; a repeat
 * gets the stored answer and runs nothing. Without a key `work` always runs.
 * @throws Problem idempotency-key-reused when the key belongs to a different request; request-in-flight while the first
 *   request is still running
 */
export async function idempotent(
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
 * The first answer to this caller and key; undefined when there is none, or when it has expired.
 * @throws Problem idempotency-key-reused when the key belongs to a different request
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
  return row && replayAnswer(claim, row as StoredAnswer);
}

export type StoredAnswer = {
  requestHash: string;
  status: number;
  headers: Record<string, string>;
  body: string | null;
};

/**
 * The stored answer, for a repeat.
 * @throws Problem idempotency-key-reused when the key belongs to a different request
 */
export function replayAnswer(claim: Claim, { requestHash, status, headers, body }: StoredAnswer): Answer {
  if (requestHash !== claim.fingerprint) {
    throw new Problem(
      'idempotency-key-reused',
      'This key was first used with a different request. Use a new key for a new request.',
    );
  }
  return { status, headers, body: body ?? undefined };
}

/** The name of a claim's advisory lock, which its transaction holds. */
export const lockName = ({ caller, key }: Claim): string => `${caller}\n${key}`;

export const inFlight = (): Problem =>
  new Problem(
    'request-in-flight',
    'The first request with this key is still running. Try again in a moment to get its answer.',
    {
      headers: { 'retry-after': '1' },
    },
  );

/** Deletes about `limit` idempotency records of a table that have expired, the oldest first. @returns how many */
export async function purgeExpiredKeys(
  sql: Sql,
  table: KeyTable,
  { now, limit }: { now: Date; limit: number },
): Promise<number> {
  const { count } = await sql`
    delete from ${sql(table)}
    where expires_at <= least(${now}, (select expires_at from ${sql(table)} order by expires_at offset ${limit - 1} limit 1))`;
  return count;
}
