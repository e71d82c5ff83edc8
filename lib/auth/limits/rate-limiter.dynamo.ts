import type { UpdateCommandInput } from '@aws-sdk/lib-dynamodb';
import type { LimitState } from '../../contract/deploy/limits.ts';
import { type DocumentClient, isConditionFailed } from '../../database/document-client.dynamo.ts';
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
  spare,
  standingOf,
  takeOne,
  toLimitState,
  toRefusal,
} from './sliding-window.ts';

export type RateLimiterOptions = {
  client: DocumentClient;
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
 * A rate limiter that all processes share, at the cost of an UpdateItem for a request, or for several of a process that
 * sees many. A limit that is too high for one key is spread over several. After a refusal, a process refuses from memory
 * until there can be room again. While DynamoDB does not answer, a process goes by its own counts.
 */
export function createRateLimiter(options: RateLimiterOptions): RateLimiter {
  const { clock, timeoutMs = 1500, authBreaker } = options;
  const breaker = createCircuitBreaker(clock);
  const known = lruCache<Subject>(maxSubjects);

  return async (subject, limit) => {
    const name = `${subject}@${limit}`;
    const own = known.get(name) ?? newSubject(limit, spread(subject, limit, options.perKey).map(unknown));
    known.set(name, own);
    const now = clock.now();
    dropOldLease(own, now);
    if (own.lease === undefined && roomAt(own) > now) return toRefusal(roomAt(own), now, limit);

    const slot = takeOne(own.counts, limit, now);
    // This process alone has used up the limit: what the others counted cannot make room.
    if (slot === undefined) return ownState(own, now, { allowed: false, fallback: breaker.isOpen() });
    if (own.lease !== undefined) return fromLease(own, own.lease, now);
    return await new Promise((settle) => {
      own.waiting.push({ slot, settle });
      if (own.waiting.length === 1) void serve(own);
    });
  };

  /** Serves the requests that wait, one UpdateItem after the other. Never rejects. */
  async function serve(own: Subject): Promise<void> {
    while (own.waiting.length > 0) {
      const now = clock.now();
      if (roomAt(own) > now) refuse(own, own.waiting.length, now);
      else if (authBreaker?.isRefusing() || !breaker.allowRequest()) goByOwnCounts(own, own.waiting.length, now);
      else await ask(own, now);
    }
  }

  /** Takes permits for the requests that wait now and, in steady traffic, for those that come soon. */
  async function ask(own: Subject, now: number): Promise<void> {
    const waiting = own.waiting.length;
    try {
      const taken = await takeFromAnyShare(options, own, waiting, now, AbortSignal.timeout(timeoutMs));
      breaker.recordSuccess();
      if (taken === undefined) return refuse(own, waiting, now);
      const lease = {
        slot: slotAt(now),
        left: taken.permits,
        room: roomOfAll(own.shares, taken, now),
        oldest: taken.oldest,
      };
      for (const { settle } of own.waiting.splice(0, lease.left)) settle(fromLease(own, lease, now));
      if (lease.left > 0) own.lease = lease;
    } catch {
      breaker.recordFailure();
      goByOwnCounts(own, waiting, now);
    }
  }

  function refuse(own: Subject, requests: number, now: number): void {
    for (const { slot, settle } of own.waiting.splice(0, requests)) {
      giveBack(own.counts, slot);
      settle(toRefusal(roomAt(own), now, own.limit));
    }
  }

  function goByOwnCounts(own: Subject, requests: number, now: number): void {
    for (const { settle } of own.waiting.splice(0, requests))
      settle(ownState(own, now, { allowed: true, fallback: true }));
  }
}

/** A subject as this process knows it. */
type Subject = {
  limit: number;
  /** Requests of this process, and permits that it took and did not use. */
  counts: Counts;
  unused: Counts;
  shares: KnownShare[];
  lease: Lease | undefined;
  waiting: { slot: number; settle: (state: LimitState) => void }[];
};

/** Permits that are counted in a slot and may be used while it lasts, and the room beside them. */
type Lease = { slot: number; left: number; room: number; oldest: number };

const newSubject = (limit: number, shares: KnownShare[]): Subject => ({
  limit,
  counts: new Map(),
  unused: new Map(),
  shares,
  lease: undefined,
  waiting: [],
});

/**
 * About how much room all keys have. Requests are spread over them at random, so a key that this process has not seen since
 * the last slot has about as much as the one that it just saw.
 */
const roomOfAll = (shares: KnownShare[], seen: { share: KnownShare; room: number }, now: number): number =>
  shares
    .filter((share) => share === seen.share || share.fullUntil <= now)
    .reduce((sum, share) => sum + (share.seenIn >= slotAt(now) - 1 ? roomOf(share, now) : seen.room), 0);

/** When a key can have room again, in milliseconds. */
const roomAt = ({ shares }: Subject): number => Math.min(...shares.map(({ fullUntil }) => fullUntil));

/** A permit is used in the slot that it was counted in, so that no 60 seconds ever let through more than the limit. */
function dropOldLease(own: Subject, now: number): void {
  const { lease, unused } = own;
  if (lease === undefined || lease.slot === slotAt(now)) return;
  unused.set(lease.slot, (unused.get(lease.slot) ?? 0) + lease.left);
  own.lease = undefined;
}

function fromLease(own: Subject, lease: Lease, now: number): LimitState {
  lease.left--;
  if (lease.left === 0) own.lease = undefined;
  const { room, left, oldest } = lease;
  return toLimitState({ room: room + left, oldest }, now, { allowed: true, limit: own.limit, fallback: false });
}

const ownState = (own: Subject, now: number, outcome: { allowed: boolean; fallback: boolean }): LimitState =>
  toLimitState(standingOf(own.counts, own.limit), now, { ...outcome, limit: own.limit });

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
  /** The slot in which this process saw it. */
  seenIn: number;
  taken: number;
  lines: Lines;
  /** No request can pass before this time, in milliseconds. */
  fullUntil: number;
};

const unknown = (share: Share): KnownShare => ({
  ...share,
  seenIn: 0,
  taken: 0,
  lines: new Map(),
  fullUntil: 0,
});

/**
 * Takes permits of a random share that is not full: for the requests that wait, or as many of them as it has room for, and
 * some more in steady traffic. Undefined when every share is full.
 */
async function takeFromAnyShare(
  options: RateLimiterOptions,
  { shares, counts, unused }: Subject,
  waiting: number,
  now: number,
  signal: AbortSignal,
) {
  for (;;) {
    const open = shares.filter((share) => share.fullUntil <= now);
    const share = open[Math.floor(Math.random() * open.length)];
    if (share === undefined) return undefined;
    const room = roomOf(share, now);
    // What is not known is asked for one by one.
    const permits = room < 1 ? 1 : Math.min(room, waiting + spare({ counts, unused, room, now }));
    const { allowed, taken, lines } = await takeShared(options, share, permits, now, signal);
    const full = Math.max(share.fullUntil, fullUntil(taken, lines));
    Object.assign(share, { taken, lines, fullUntil: full, seenIn: slotAt(now) });
    if (!allowed) continue;
    const oldest = Math.min(...[...lines.keys()].filter((slot) => forgottenAt(slot) > now));
    return { share, permits, room: roomOf(share, now), oldest };
  }
}

/** The room that a share had when this process last saw it; 0 when it knows of no line in sight. */
function roomOf({ limit, taken, lines }: KnownShare, now: number): number {
  const lowest = lowestLine(lines, now);
  return lowest === undefined ? 0 : Math.min(limit, lowest[1] - taken);
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
 * Takes permits from the count that all processes share. `taken` is the number of permits that were ever taken; `ceiling` is always `taken` plus the limit. A slot's attribute keeps the ceiling from the time of the slot's first
 * request. So "`taken` is below the slot's attribute" means "fewer requests than the limit have passed since the slot
 * began": a comparison that a condition expression, which cannot add, can make for every slot in sight. For several
 * permits this process subtracts from the lowest line itself, as lines never change. A refused request changes nothing.
 */
async function takeShared(
  { client, table }: RateLimiterOptions,
  { key, limit, lines }: KnownShare,
  permits: number,
  now: number,
  abortSignal: AbortSignal,
) {
  const slot = slotAt(now);
  const current = attributeOf(slot);
  const lowest = lowestLine(lines, now);
  const outOfSight = [...lines.keys()].filter((known) => forgottenAt(known) <= now).slice(0, 50);
  const input: UpdateCommandInput = {
    TableName: table,
    Key: { subject: key },
    UpdateExpression: `SET ${current} = if_not_exists(${current}, if_not_exists(ceiling, :limit)),
      ceiling = if_not_exists(ceiling, :limit) + :permits, taken = if_not_exists(taken, :zero) + :permits,
      expiresAt = :end${outOfSight.length === 0 ? '' : ` REMOVE ${outOfSight.map(attributeOf).join(', ')}`}`,
    ConditionExpression:
      lowest === undefined
        ? slotsThatMayExist(now)
            .map(attributeOf)
            .map((line) => `(attribute_not_exists(${line}) OR taken < ${line})`)
            .join(' AND ')
        : 'taken <= :most',
    ExpressionAttributeValues: {
      ':limit': limit,
      ':permits': permits,
      ':zero': 0,
      ...(lowest === undefined ? {} : { ':most': lowest[1] - permits }),
      ':end': toEpochSeconds(forgottenAt(slot)) + 1,
    },
    ReturnValues: 'ALL_NEW',
    ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
  };
  try {
    const { Attributes } = await client.update(input, { abortSignal });
    return { allowed: true, ...read(Attributes) };
  } catch (error) {
    if (!isConditionFailed(error)) throw error;
    return { allowed: false, ...read(error.Item) };
  }
}

/**
 * The line that binds: the lowest one in sight, since new lines are higher and known ones do not change. Undefined when this
 * process knows of none, or all that it knew are out of sight.
 */
const lowestLine = (lines: Lines, now: number): [slot: number, line: number] | undefined =>
  [...lines].filter(([slot]) => forgottenAt(slot) > now).sort(([, a], [, b]) => a - b)[0];

/** Including the next slot: the clock of another process may be ahead. */
const slotsThatMayExist = (now: number): number[] =>
  Array.from({ length: slotsInSight + 1 }, (_, back) => slotAt(now) + 1 - back);

const attributeOf = (slot: number): string => `s${slot}`;

function read(item: Record<string, unknown> = {}): { taken: number; lines: Lines } {
  const slots = Object.entries(item).filter(([name]) => /^s\d+$/.test(name));
  return {
    taken: numberOf(item.taken),
    lines: new Map(slots.map(([name, line]) => [Number(name.slice(1)), numberOf(line)])),
  };
}
