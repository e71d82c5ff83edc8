import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { type DynamoDBDocumentClient, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import type { LimitState } from '../../contract/deploy/limits.ts';
import { type CircuitBreaker, createCircuitBreaker } from '../../kernel/circuit-breaker.ts';
import { type Clock, toEpochSeconds } from '../../kernel/clock.ts';
import { lruCache } from '../../kernel/lru-cache.ts';
import { numberOf } from '../store.dynamo.ts';
import {
  type Counts,
  forgottenAt,
  giveBack,
  slotAt,
  slotsInSight,
  standingOf,
  takeOne,
  toLimitState,
  toRefusal,
} from './sliding-window.ts';

export type RateLimiterOptions = {
  client: DynamoDBDocumentClient;
  table: string;
  clock: Clock;
  /** Longest wait for DynamoDB in milliseconds, whatever the client's own time-outs; 1500 by default. */
  timeoutMs?: number;
  /**
   * The breaker of the lookups that authenticate callers. While it refuses, the limiter does not call DynamoDB either.
   * Failures here are not recorded in it.
   */
  authBreaker?: CircuitBreaker;
  /** Requests a minute that one DynamoDB key counts; 12,000 by default. */
  perKey?: number;
};

/**
 * Counts one request of a subject whose limit is `perMinute` requests in any 60 seconds, and says whether the request
 * is allowed. Never rejects.
 */
export type RateLimiter = (subject: string, perMinute: number) => Promise<LimitState>;

/** How many subjects a process keeps counts of. */
const maxSubjects = 10_000;

/**
 * A rate limiter that all processes share, at the cost of one UpdateItem for each request. A limit that is too high for
 * one key is spread over several. After a refusal, a process refuses from memory until there can be room again. While
 * DynamoDB does not answer, a process goes by its own counts.
 */
export function createRateLimiter(options: RateLimiterOptions): RateLimiter {
  const { clock, timeoutMs = 1500, authBreaker } = options;
  const breaker = createCircuitBreaker(clock);
  const known = lruCache<{ counts: Counts; shares: KnownShare[] }>(maxSubjects);

  return async (subject, limit) => {
    const name = `${subject}@${limit}`;
    const own = known.get(name) ?? { counts: new Map(), shares: spread(subject, limit, options.perKey).map(unknown) };
    known.set(name, own);
    const now = clock.now();
    const roomAt = () => Math.min(...own.shares.map(({ fullUntil }) => fullUntil));
    if (roomAt() > now) return toRefusal(roomAt(), now, limit);

    const slot = takeOne(own.counts, limit, now);
    const ownState = (allowed: boolean, fallback: boolean) =>
      toLimitState(standingOf(own.counts, limit), now, { allowed, limit, fallback });
    // This process alone has used up the limit: what the others counted cannot make room.
    if (slot === undefined) return ownState(false, breaker.isOpen());
    if (authBreaker?.isRefusing() || !breaker.allowRequest()) return ownState(true, true);
    try {
      const taken = await takeFromAnyShare(options, own.shares, now, AbortSignal.timeout(timeoutMs));
      breaker.recordSuccess();
      if (taken === undefined) {
        giveBack(own.counts, slot);
        return toRefusal(roomAt(), now, limit);
      }
      // Requests are spread over the keys at random, so every key that is not full has about as much room as this one.
      const others = own.shares.filter((share) => share !== taken.share && share.fullUntil <= now).length;
      const standing = { room: taken.room * (1 + others), oldest: taken.oldest };
      return toLimitState(standing, now, { allowed: true, limit, fallback: false });
    } catch {
      breaker.recordFailure();
      return ownState(true, true);
    }
  };
}

/**
 * Requests a minute that one key counts. At a steady rate that is 200 writes a second, a fifth of what a partition
 * takes. So all requests of a minute may come within 12 seconds, with refusals written besides, before DynamoDB
 * throttles the key.
 */
const defaultPerKey = 12_000;

/** 64 keys take 64,000 writes a second. More would make a refusal slow, since every key has to refuse once. */
const maxKeys = 64;

/** One of the keys that count a subject's requests, and its share of the limit. */
export type Share = { key: string; limit: number };

/**
 * The keys that count a subject's requests. Their shares add up to the limit. The limit is part of the key, so that a
 * changed limit starts with new counts.
 */
export function spread(subject: string, perMinute: number, perKey = defaultPerKey): Share[] {
  const keys = Math.min(maxKeys, Math.max(1, Math.ceil(perMinute / perKey)));
  const rest = perMinute % keys;
  return Array.from({ length: keys }, (_, i) => ({
    key: `${subject}@${perMinute}${keys === 1 ? '' : `#${i}`}`,
    limit: Math.floor(perMinute / keys) + (i < rest ? 1 : 0),
  }));
}

/** A share as this process last saw it. */
type KnownShare = Share & {
  lines: Lines;
  /** No request can pass before this time, in milliseconds. */
  fullUntil: number;
};

const unknown = (share: Share): KnownShare => ({ ...share, lines: new Map(), fullUntil: 0 });

/** Takes one request from a random share that is not full; undefined when all are. Asks each share once at most. */
async function takeFromAnyShare(options: RateLimiterOptions, shares: KnownShare[], now: number, signal: AbortSignal) {
  const asked = new Set<KnownShare>();
  for (;;) {
    const open = shares.filter((share) => share.fullUntil <= now && !asked.has(share));
    const share = open[Math.floor(Math.random() * open.length)];
    if (share === undefined) return undefined;
    asked.add(share);
    const { allowed, taken, lines } = await takeShared(options, share, now, signal);
    share.lines = lines;
    share.fullUntil = Math.max(share.fullUntil, fullUntil(taken, lines));
    if (!allowed) continue;
    const inSight = [...lines].filter(([slot]) => forgottenAt(slot) > now);
    return {
      share,
      room: Math.min(share.limit, ...inSight.map(([, line]) => line - taken)),
      oldest: Math.min(...inSight.map(([slot]) => slot)),
    };
  }
}

/**
 * When a request can pass again, in milliseconds. `taken` never falls and a line never changes. So a line that is
 * reached refuses every request until its slot is out of sight, whatever other processes do.
 */
const fullUntil = (taken: number, lines: Lines): number =>
  Math.max(0, ...[...lines].filter(([, line]) => line <= taken).map(([slot]) => forgottenAt(slot)));

/** For each slot, what `taken` must stay below while the slot is in sight. Its first request sets it, once. */
type Lines = Map<number, number>;

/**
 * Takes one request from the count that all processes share. `taken` is the number of requests that have ever passed;
 * `ceiling` is always `taken` plus the limit. A slot's attribute keeps the ceiling from the time of the slot's first
 * request. So "`taken` is below the slot's attribute" means "fewer requests than the limit have passed since the slot
 * began": a comparison that a condition expression, which cannot add, can make for every slot in sight. A refused
 * request changes nothing.
 */
async function takeShared(
  { client, table }: RateLimiterOptions,
  { key, limit, lines }: KnownShare,
  now: number,
  abortSignal: AbortSignal,
) {
  const slot = slotAt(now);
  const current = attributeOf(slot);
  const outOfSight = [...lines.keys()].filter((known) => forgottenAt(known) <= now).slice(0, 50);
  const command = new UpdateCommand({
    TableName: table,
    Key: { subject: key },
    UpdateExpression: `SET ${current} = if_not_exists(${current}, if_not_exists(ceiling, :limit)),
      ceiling = if_not_exists(ceiling, :limit) + :one, taken = if_not_exists(taken, :zero) + :one,
      expiresAt = :end${outOfSight.length === 0 ? '' : ` REMOVE ${outOfSight.map(attributeOf).join(', ')}`}`,
    ConditionExpression: binding(lines, now)
      .map(attributeOf)
      .map((line) => `(attribute_not_exists(${line}) OR taken < ${line})`)
      .join(' AND '),
    ExpressionAttributeValues: {
      ':limit': limit,
      ':one': 1,
      ':zero': 0,
      ':end': toEpochSeconds(forgottenAt(slot)) + 1,
    },
    ReturnValues: 'ALL_NEW',
    ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
  });
  try {
    const { Attributes } = await client.send(command, { abortSignal });
    return { allowed: true, ...read(Attributes) };
  } catch (error) {
    if (!(error instanceof ConditionalCheckFailedException)) throw error;
    return { allowed: false, ...read(error.Item) };
  }
}

/**
 * The slots to compare with. When lines are known, the lowest one in sight binds, since new lines are higher and known
 * ones do not change. Otherwise every slot that may exist.
 */
function binding(lines: Lines, now: number): number[] {
  const [lowest] = [...lines].filter(([slot]) => forgottenAt(slot) > now).sort(([, a], [, b]) => a - b);
  if (lowest !== undefined) return [lowest[0]];
  // Including the next slot: the clock of another process may be ahead.
  return Array.from({ length: slotsInSight + 1 }, (_, back) => slotAt(now) + 1 - back);
}

const attributeOf = (slot: number): string => `s${slot}`;

function read(item: Record<string, unknown> = {}): { taken: number; lines: Lines } {
  const slots = Object.entries(item).filter(([name]) => /^s\d+$/.test(name));
  return {
    taken: numberOf(item.taken),
    lines: new Map(slots.map(([name, line]) => [Number(name.slice(1)), numberOf(line)])),
  };
}
