import { randomBytes } from 'node:crypto';
import type { UpdateCommandInput } from '@aws-sdk/lib-dynamodb';
import { type DocumentClient, isConditionFailed } from '../../database/document-client.dynamo.ts';
import { type CircuitBreaker, createCircuitBreaker } from '../../kernel/circuit-breaker.ts';
import { type Clock, toEpochSeconds } from '../../kernel/clock.ts';
import { numberOf } from '../store.dynamo.ts';

export type ConcurrencyOptions = {
  client: DocumentClient;
  table: string;
  clock: Clock;
  /** Longest wait for DynamoDB in milliseconds, whatever the client's own time-outs; 1500 by default. */
  timeoutMs?: number;
  /**
   * The breaker of the lookups that authenticate callers. While it refuses, the limit does not call DynamoDB either.
   * Failures here are not recorded in it.
   */
  authBreaker?: CircuitBreaker;
};

/** Limits how many requests of one subject are worked on at the same time. */
export type ConcurrencyLimit = {
  /**
   * Acquires one of `most` permits of the subject, for a request. `most` is at most 100.
   * @param id identifies the request within this process. A request that holds a permit already is refused, so that
   *   clients that choose their request ids gain nothing by it.
   * @param seconds how long the permit lasts if it is never released: longer than a request can take, at most an hour
   * @returns whether a permit was acquired; `fallback` says that DynamoDB did not answer, so that only the permits of
   *   this process were counted. Never rejects.
   */
  acquire(subject: string, most: number, id: string, seconds: number): Promise<Acquisition>;
  /** Releases the permit of a request. Never rejects: a permit that DynamoDB was not told of expires. */
  release(subject: string, id: string): Promise<void>;
};

export type Acquisition = { acquired: boolean; fallback: boolean };

/** TTL of an item after its last change: longer than any permit lasts. */
const itemSeconds = 2 * 3600;

/**
 * A concurrency limit that all processes share. The permits of a subject are one item: `holders` counts them, and each
 * permit is an attribute whose value is its expiry in seconds since the epoch. One conditional UpdateItem changes the
 * count and the attributes together, so they always agree.
 */
export function createConcurrencyLimit(options: ConcurrencyOptions): ConcurrencyLimit {
  const { clock, timeoutMs = 1500, authBreaker } = options;
  const breaker = createCircuitBreaker(clock);
  const own = ownPermits(clock);

  return {
    async acquire(subject, most, id, seconds) {
      // When this process alone holds all permits, there is no need to ask: other processes can only hold more.
      const name = own.acquire(subject, most, id, seconds);
      if (name === undefined) return { acquired: false, fallback: breaker.isOpen() };
      if (authBreaker?.isRefusing() || !breaker.allowRequest()) return { acquired: true, fallback: true };
      try {
        const permit = { name, most, seconds };
        const acquired = await acquirePermit(options, subject, permit, AbortSignal.timeout(timeoutMs));
        breaker.recordSuccess();
        if (!acquired) own.release(subject, id);
        return { acquired, fallback: false };
      } catch {
        breaker.recordFailure();
        return { acquired: true, fallback: true };
      }
    },

    async release(subject, id) {
      const name = own.release(subject, id);
      if (name === undefined || authBreaker?.isRefusing() || !breaker.allowRequest()) return;
      try {
        await releasePermit(options, subject, name, AbortSignal.timeout(timeoutMs));
        breaker.recordSuccess();
      } catch {
        breaker.recordFailure();
      }
    },
  };
}

type Permit = { name: string; most: number; seconds: number };

/** Acquires a permit if one is available. When all are held, removes those that have expired and tries again. */
async function acquirePermit(options: ConcurrencyOptions, subject: string, permit: Permit, abortSignal: AbortSignal) {
  let expired: string[] = [];
  for (;;) {
    const item = await tryToAcquire(options, subject, permit, expired, abortSignal);
    // A second attempt finds the permit that the first one wrote before its response was lost.
    if (item === undefined || item[permit.name] !== undefined) return true;
    const now = toEpochSeconds(options.clock.now());
    expired = Object.entries(item)
      .filter(([name, until]) => name.startsWith(prefix) && numberOf(until) <= now)
      .map(([name]) => name)
      .slice(0, 100);
    // Otherwise another request changed the item meanwhile, and a permit is available or can be removed.
    if (numberOf(item.holders) - expired.length >= permit.most) return false;
  }
}

/** Adds a permit and removes the expired ones in one update; returns the current item when the condition failed. */
async function tryToAcquire(
  { client, table, clock }: ConcurrencyOptions,
  subject: string,
  { name, most, seconds }: Permit,
  expired: readonly string[],
  abortSignal: AbortSignal,
): Promise<Record<string, unknown> | undefined> {
  const now = toEpochSeconds(clock.now());
  const aliases = expired.map((_, i) => `#e${i}`);
  const input: UpdateCommandInput = {
    TableName: table,
    Key: keyOf(subject),
    UpdateExpression: `SET #own = :until, holders = if_not_exists(holders, :zero) + :change, expiresAt = :end${
      aliases.length === 0 ? '' : ` REMOVE ${aliases.join(', ')}`
    }`,
    ConditionExpression: [
      'attribute_not_exists(#own) AND (attribute_not_exists(holders) OR holders < :below)',
      ...aliases.map((alias) => `attribute_exists(${alias})`),
    ].join(' AND '),
    ExpressionAttributeNames: {
      '#own': name,
      ...Object.fromEntries(expired.map((each, i) => [aliases[i]!, each])),
    },
    ExpressionAttributeValues: {
      ':until': now + seconds,
      ':zero': 0,
      ':change': 1 - expired.length,
      ':below': most + expired.length,
      ':end': now + itemSeconds,
    },
    ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
  };
  try {
    await client.update(input, { abortSignal });
    return undefined;
  } catch (error) {
    if (!isConditionFailed(error)) throw error;
    return error.Item ?? {};
  }
}

/** Removes a permit. Does nothing when it is not there. */
async function releasePermit(
  { client, table }: ConcurrencyOptions,
  subject: string,
  name: string,
  abortSignal: AbortSignal,
): Promise<void> {
  const input: UpdateCommandInput = {
    TableName: table,
    Key: keyOf(subject),
    UpdateExpression: 'SET holders = holders - :one REMOVE #own',
    ConditionExpression: 'attribute_exists(#own)',
    ExpressionAttributeNames: { '#own': name },
    ExpressionAttributeValues: { ':one': 1 },
  };
  try {
    await client.update(input, { abortSignal });
  } catch (error) {
    if (!isConditionFailed(error)) throw error;
  }
}

/** The permits that this process holds, by subject and request id: their names, and their expiry in milliseconds. */
function ownPermits(clock: Clock) {
  const permits = new Map<string, Map<string, { name: string; until: number }>>();
  return {
    /** The name of a new permit; undefined when this process holds `most` already, or one for this request. */
    acquire(subject: string, most: number, id: string, seconds: number): string | undefined {
      const now = clock.now();
      const held = permits.get(subject) ?? new Map();
      for (const [each, { until }] of held) if (until <= now) held.delete(each);
      if (held.size >= most || held.has(id)) return undefined;
      const name = `${prefix}${randomBytes(9).toString('base64url')}`;
      held.set(id, { name, until: now + seconds * 1000 });
      permits.set(subject, held);
      return name;
    },
    /** The name of the permit that the request held, if it held one. */
    release(subject: string, id: string): string | undefined {
      const held = permits.get(subject);
      const permit = held?.get(id);
      held?.delete(id);
      if (held?.size === 0) permits.delete(subject);
      return permit?.name;
    },
  };
}

const prefix = 'permit:';
const keyOf = (subject: string) => ({ subject: `concurrent:${subject}` });
