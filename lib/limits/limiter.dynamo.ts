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
  /** Longest wait for DynamoDB in milliseconds, however patient the client is; 1500 when absent. */
  patienceMs?: number;
};

/** Subjects that a process remembers its own count of. */
const remembered = 10_000;

/**
 * Counts a request of a subject and says whether it may pass, by one UpdateItem, whichever process it comes to. While
 * DynamoDB does not answer, the process goes by its own count. Never rejects.
 */
export function createLimiter(options: LimiterOptions): (subject: string) => Promise<LimitState> {
  const { perMinute: limit, clock } = options;
  const breaker = createBreaker(clock);
  const known = recent<{ counts: Counts; lines: Lines }>(remembered);

  return async (subject) => {
    const own = known.get(subject) ?? { counts: new Map(), lines: new Map() };
    known.set(subject, own);
    const now = clock.now();
    const slot = takeOne(own.counts, limit, now);
    const ownState = (allowed: boolean, fallback: boolean) =>
      toLimitState(standingOf(own.counts, limit), now, { allowed, limit, fallback });
    // What this process alone let through fills the limit: nothing that the others know makes room.
    if (slot === undefined) return ownState(false, breaker.isOpen());
    if (!breaker.mayAsk()) return ownState(true, true);
    try {
      const { allowed, taken, lines } = await takeShared(options, subject, now, own.lines);
      breaker.succeeded();
      own.lines = lines;
      if (!allowed) giveBack(own.counts, slot);
      return toLimitState(sharedStanding(taken, lines, limit, now), now, { allowed, limit, fallback: false });
    } catch {
      breaker.failed();
      return ownState(true, true);
    }
  };
}

/** What `taken` must stay below while a slot is in sight, by slot. Set by the slot's first request and fixed then. */
type Lines = Map<number, number>;

/**
 * The count that all processes share. `taken` is how many requests passed in all, `ceiling` always that plus the limit;
 * a slot's attribute keeps the ceiling as it was when the slot's first request came. So `taken` below a slot's attribute
 * says that fewer than the limit passed since the slot began, and a condition, which cannot add, can ask it of the slots
 * in sight. A refused request changes nothing.
 */
async function takeShared(
  { client, table, perMinute, patienceMs = 1500 }: LimiterOptions,
  subject: string,
  now: number,
  lines: Lines,
) {
  const slot = slotAt(now);
  const current = attributeOf(slot);
  const stale = [...lines.keys()].filter((known) => forgottenAt(known) <= now).slice(0, 50);
  const command = new UpdateCommand({
    TableName: table,
    // Counts of another limit say nothing about this one.
    Key: { subject: `${subject}@${perMinute}` },
    UpdateExpression: `SET ${current} = if_not_exists(${current}, if_not_exists(ceiling, :limit)),
      ceiling = if_not_exists(ceiling, :limit) + :one, taken = if_not_exists(taken, :zero) + :one,
      expiresAt = :end${stale.length === 0 ? '' : ` REMOVE ${stale.map(attributeOf).join(', ')}`}`,
    ConditionExpression: binding(lines, now)
      .map(attributeOf)
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

function sharedStanding(taken: number, lines: Lines, limit: number, now: number): Standing {
  const inSight = [...lines].filter(([slot]) => forgottenAt(slot) > now);
  return {
    room: Math.min(limit, ...inSight.map(([, line]) => line - taken)),
    oldest: inSight.length === 0 ? undefined : Math.min(...inSight.map(([slot]) => slot)),
  };
}

/** The document client leaves the item in an error as it came. */
const numberOf = (value: unknown): number =>
  Number(typeof value === 'object' && value !== null && 'N' in value ? value.N : value);
