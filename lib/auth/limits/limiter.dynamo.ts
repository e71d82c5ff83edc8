import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { type DynamoDBDocumentClient, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import type { LimitState } from '../../contract/deploy/limits.ts';
import { type CircuitBreaker, createCircuitBreaker } from '../../kernel/circuit-breaker.ts';
import { type Clock, toEpochSeconds } from '../../kernel/clock.ts';
import { lruCache } from '../../kernel/lru-cache.ts';
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
import { type Share, spread } from './spread.ts';

export type LimiterOptions = {
  client: DynamoDBDocumentClient;
  table: string;
  clock: Clock;
  /** Longest wait for DynamoDB in milliseconds, however patient the client is; 1500 when absent. */
  patienceMs?: number;
  /** Of what asks DynamoDB who calls. While that rests nothing is asked here; what fails here does not stop it. */
  away?: CircuitBreaker;
  /** Requests a minute that one key counts; 12,000 when absent. */
  perKey?: number;
};

/** Counts one request of a subject that may make so many in any 60 seconds, and says whether it may pass. Never rejects. */
export type Limiter = (subject: string, perMinute: number) => Promise<LimitState>;

/** Subjects that a process remembers what it knows of. */
const remembered = 10_000;

/**
 * Counts requests of subjects, whichever process they come to, by one UpdateItem each. A limit that is too much for one
 * key is spread over several. Who was refused is refused from memory until there can be room again. While DynamoDB does
 * not answer, the process goes by its own count.
 */
export function createLimiter(options: LimiterOptions): Limiter {
  const { clock, patienceMs = 1500, away } = options;
  const breaker = createCircuitBreaker(clock);
  const known = lruCache<{ counts: Counts; shares: KnownShare[] }>(remembered);

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
    // What this process alone let through fills the limit: nothing that the others know makes room.
    if (slot === undefined) return ownState(false, breaker.isOpen());
    if (away?.isResting() || !breaker.mayAsk()) return ownState(true, true);
    try {
      const taken = await takeOfAny(options, own.shares, now, AbortSignal.timeout(patienceMs));
      breaker.succeeded();
      if (taken === undefined) {
        giveBack(own.counts, slot);
        return toRefusal(roomAt(), now, limit);
      }
      // Requests fall on the keys at random, so those that are not full have about as much room as this one.
      const others = own.shares.filter((share) => share !== taken.share && share.fullUntil <= now).length;
      const standing = { room: taken.room * (1 + others), oldest: taken.oldest };
      return toLimitState(standing, now, { allowed: true, limit, fallback: false });
    } catch {
      breaker.failed();
      return ownState(true, true);
    }
  };
}

/** A share as this process last saw it. */
type KnownShare = Share & {
  lines: Lines;
  /** Until then, in milliseconds, nothing can pass here. */
  fullUntil: number;
};

const unknown = (share: Share): KnownShare => ({ ...share, lines: new Map(), fullUntil: 0 });

/** Takes one of a share that is not full, any; undefined when all are. Each is asked once at most. */
async function takeOfAny(options: LimiterOptions, shares: KnownShare[], now: number, signal: AbortSignal) {
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
 * When something may pass again, in milliseconds. `taken` never falls and a line stays as it is, so each line that is
 * reached refuses until its slot is out of sight, whatever others do meanwhile.
 */
const fullUntil = (taken: number, lines: Lines): number =>
  Math.max(0, ...[...lines].filter(([, line]) => line <= taken).map(([slot]) => forgottenAt(slot)));

/** What `taken` must stay below while a slot is in sight, by slot. Set by the slot's first request and fixed then. */
type Lines = Map<number, number>;

/**
 * The count that all processes share. `taken` is how many requests passed in all, `ceiling` always that plus the limit;
 * a slot's attribute keeps the ceiling as it was when the slot's first request came. So `taken` below a slot's attribute
 * says that fewer than the limit passed since the slot began, and a condition, which cannot add, can ask it of the slots
 * in sight. A refused request changes nothing.
 */
async function takeShared(
  { client, table }: LimiterOptions,
  { key, limit, lines }: KnownShare,
  now: number,
  abortSignal: AbortSignal,
) {
  const slot = slotAt(now);
  const current = attributeOf(slot);
  const stale = [...lines.keys()].filter((known) => forgottenAt(known) <= now).slice(0, 50);
  const command = new UpdateCommand({
    TableName: table,
    Key: { subject: key },
    UpdateExpression: `SET ${current} = if_not_exists(${current}, if_not_exists(ceiling, :limit)),
      ceiling = if_not_exists(ceiling, :limit) + :one, taken = if_not_exists(taken, :zero) + :one,
      expiresAt = :end${stale.length === 0 ? '' : ` REMOVE ${stale.map(attributeOf).join(', ')}`}`,
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

/** Slots to ask of: the one known to bind, as lines only rise and stay; all that may be there when none is known. */
function binding(lines: Lines, now: number): number[] {
  const [lowest] = [...lines].filter(([slot]) => forgottenAt(slot) > now).sort(([, a], [, b]) => a - b);
  if (lowest !== undefined) return [lowest[0]];
  // One more than has begun: another process's clock may be ahead.
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

/** The document client leaves the item in an error as it came. */
const numberOf = (value: unknown): number =>
  Number(typeof value === 'object' && value !== null && 'N' in value ? value.N : value);
