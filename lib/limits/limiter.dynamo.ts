import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { type DynamoDBDocumentClient, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import type { LimitState } from '../contract/limits.ts';
import { type Clock, toEpochSeconds } from '../kernel/clock.ts';
import { createBreaker } from './breaker.ts';
import { recent } from './recent.ts';
import {
  type Counts,
  forgottenAt,
  giveBack,
  type Standing,
  slotAt,
  slotsInSight,
  standingOf,
  takeOne,
  toLimitState,
} from './sliding-window.ts';

export type LimiterOptions = {
  client: DynamoDBDocumentClient;
  table: string;
  /** Requests that one subject may make in any 60 seconds. */
  perMinute: number;
  clock: Clock;
};

/** Subjects that a process remembers its own count of. */
const remembered = 10_000;
/** Longest wait for DynamoDB in milliseconds, however patient the client is. */
const patienceMs = 1500;

/**
 * Counts a request of a subject and says whether it may pass, by one UpdateItem, whichever process it comes to. While
 * DynamoDB does not answer, the process goes by its own count. Never rejects.
 */
export function createLimiter(options: LimiterOptions): (subject: string) => Promise<LimitState> {
  const { perMinute: limit, clock } = options;
  const breaker = createBreaker(clock);
  const known = recent<{ counts: Counts; stale: string[] }>(remembered);

  return async (subject) => {
    const own = known.get(subject) ?? { counts: new Map(), stale: [] };
    known.set(subject, own);
    const now = clock.now();
    const slot = takeOne(own.counts, limit, now);
    const ownState = (allowed: boolean, fallback: boolean) =>
      toLimitState(standingOf(own.counts, limit), now, { allowed, limit, fallback });
    // What this process alone let through fills the limit: nothing that the others know makes room.
    if (slot === undefined) return ownState(false, breaker.isOpen());
    if (!breaker.mayAsk()) return ownState(true, true);
    try {
      const { allowed, standing, stale } = await takeShared(options, subject, now, own.stale);
      breaker.succeeded();
      own.stale = stale;
      if (!allowed) giveBack(own.counts, slot);
      return toLimitState(standing, now, { allowed, limit, fallback: false });
    } catch {
      breaker.failed();
      return ownState(true, true);
    }
  };
}

/**
 * The count that all processes share. `taken` is how many requests passed in all, `ceiling` always that plus the limit;
 * a slot's attribute keeps the ceiling as it was when the slot's first request came. So `taken` below a slot's attribute
 * says that fewer than the limit passed since the slot began, and a condition, which cannot add, can ask it of each slot
 * in sight. A refused request changes nothing.
 */
async function takeShared({ client, table, perMinute }: LimiterOptions, subject: string, now: number, stale: string[]) {
  const slot = slotAt(now);
  const current = attributeOf(slot);
  const remove = stale.length === 0 ? '' : ` REMOVE ${stale.slice(0, 50).join(', ')}`;
  const command = new UpdateCommand({
    TableName: table,
    // Counts of another limit say nothing about this one.
    Key: { subject: `${subject}@${perMinute}` },
    UpdateExpression: `SET ${current} = if_not_exists(${current}, if_not_exists(ceiling, :limit)),
      ceiling = if_not_exists(ceiling, :limit) + :one, taken = if_not_exists(taken, :zero) + :one,
      expiresAt = :end${remove}`,
    // One slot more than has begun: another process's clock may be ahead.
    ConditionExpression: Array.from({ length: slotsInSight + 1 }, (_, back) => attributeOf(slot + 1 - back))
      .map((line) => `(attribute_not_exists(${line}) OR taken < ${line})`)
      .join(' AND '),
    ExpressionAttributeValues: {
      ':limit': perMinute,
      ':one': 1,
      ':zero': 0,
      ':end': toEpochSeconds(forgottenAt(slot)) + 1,
    },
    ReturnValues: 'ALL_NEW',
    ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
  });
  try {
    const { Attributes } = await client.send(command, { abortSignal: AbortSignal.timeout(patienceMs) });
    return { allowed: true, ...read(Attributes, perMinute, now) };
  } catch (error) {
    if (!(error instanceof ConditionalCheckFailedException)) throw error;
    return { allowed: false, ...read(error.Item, perMinute, now) };
  }
}

const attributeOf = (slot: number): string => `s${slot}`;

/** What an item says, and its attributes that the next update may remove. */
function read(item: Record<string, unknown> = {}, limit: number, now: number): { standing: Standing; stale: string[] } {
  const standing: Standing = { room: limit, oldest: undefined };
  const stale: string[] = [];
  const taken = numberOf(item.taken);
  for (const [name, line] of Object.entries(item)) {
    if (!/^s\d+$/.test(name)) continue;
    const slot = Number(name.slice(1));
    if (forgottenAt(slot) <= now) {
      stale.push(name);
    } else {
      standing.room = Math.min(standing.room, numberOf(line) - taken);
      standing.oldest = Math.min(standing.oldest ?? slot, slot);
    }
  }
  return { standing, stale };
}

/** The document client leaves the item in an error as it came. */
const numberOf = (value: unknown): number =>
  Number(typeof value === 'object' && value !== null && 'N' in value ? value.N : value);
