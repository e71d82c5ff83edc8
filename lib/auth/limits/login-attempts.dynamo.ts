import type { UpdateCommandInput } from '@aws-sdk/lib-dynamodb';
import { Problem } from '../../contract/api/problems.ts';
import { type DocumentClient, isConditionFailed } from '../../database/document-client.dynamo.ts';
import { type Clock, toEpochSeconds } from '../../kernel/clock.ts';
import { numberOf, orUnavailable } from '../store.dynamo.ts';

type Store = { client: DocumentClient; table: string; clock: Clock };

/** How failures of one kind are counted. */
export type FailureRule = {
  /** So many failures pass before the count locks. */
  allowed: number;
  /** The first lock; each further failure doubles it, up to `longestLockSeconds`. */
  firstLockSeconds: number;
  longestLockSeconds: number;
  /** Failures are forgotten after this time without another one. */
  rememberedSeconds: number;
};

/** A count of failures after an attempt was added to it. */
export type FailureCount = { subject: string; failures: number; rule: FailureRule };

/**
 * How long a count is locked while its latest attempt is being checked: a little longer than a request may take. If the
 * process dies meanwhile, the lock ends after this time.
 */
const checkingSeconds = 10;

/** As stored; times are in seconds since the epoch. `expiresAt` is the table's TTL attribute. */
type Item = { failures: number; lockedUntil: number; expiresAt: number };

/** How long a count with so many failures is locked, in seconds. */
export const lockSeconds = (failures: number, rule: Omit<FailureRule, 'rememberedSeconds'>): number =>
  failures < rule.allowed
    ? 0
    : Math.min(rule.longestLockSeconds, rule.firstLockSeconds * 2 ** (failures - rule.allowed));

/** How long a count stays locked, in seconds; 0 when it is not locked. */
export const lockedFor = (item: { lockedUntil?: number; expiresAt: number } | undefined, now: number): number =>
  item === undefined || item.expiresAt <= now ? 0 : Math.max(0, (item.lockedUntil ?? 0) - now);

export const lockedProblem = (seconds: number): Problem =>
  new Problem('sign-in-locked', `Try again in ${seconds} seconds.`, { headers: { 'retry-after': String(seconds) } });

/**
 * Adds a failure to a count, unless it is locked. Concurrent attempts are counted one by one.
 * @throws Problem sign-in-locked, DependencyUnavailable
 */
export async function addFailure(store: Store, subject: string, rule: FailureRule): Promise<FailureCount> {
  const now = toEpochSeconds(store.clock.now());
  let seen: Item | number = nothing;
  for (let attempt = 0; attempt < 10; attempt++) {
    if (lockedFor(seen, now) > 0) throw lockedProblem(lockedFor(seen, now));
    seen = await (seen === nothing
      ? addWhileUnlocked(store, subject, rule, now)
      : addAfter(store, subject, seen, rule, now));
    if (typeof seen === 'number') return { subject, failures: seen, rule };
  }
  // Ten times in a row, another attempt was counted first.
  throw lockedProblem(1);
}

/** Extends the lock of a failed attempt to its full length, unless another attempt was counted meanwhile. */
export async function raiseLock(store: Store, { subject, failures, rule }: FailureCount): Promise<void> {
  const seconds = lockSeconds(failures, rule);
  if (seconds === 0) return;
  const now = toEpochSeconds(store.clock.now());
  await update(store, subject, {
    UpdateExpression: 'SET lockedUntil = :until',
    ConditionExpression: 'failures = :failures',
    ExpressionAttributeValues: { ':until': now + seconds, ':failures': failures },
  });
}

/** Removes a failure from a count, and ends the lock if this failure alone caused it. */
export async function removeFailure(store: Store, { subject, failures, rule }: FailureCount): Promise<void> {
  const locks = failures >= rule.allowed;
  const unlocked =
    locks &&
    (await update(store, subject, {
      UpdateExpression: 'SET lockedUntil = :never ADD failures :less',
      ConditionExpression: 'failures = :failures',
      ExpressionAttributeValues: { ':less': -1, ':never': 0, ':failures': failures },
    }));
  if (unlocked) return;
  await update(store, subject, {
    UpdateExpression: 'ADD failures :less',
    ConditionExpression: 'failures > :none',
    ExpressionAttributeValues: { ':less': -1, ':none': 0 },
  });
}

/** Adds a failure without reading the count first. Works while the failure does not lock, whatever else is counted. */
function addWhileUnlocked(store: Store, subject: string, rule: FailureRule, now: number): Promise<number | Item> {
  return add(store, subject, {
    UpdateExpression: 'SET expiresAt = :end, lockedUntil = if_not_exists(lockedUntil, :never) ADD failures :one',
    ConditionExpression: 'attribute_not_exists(failures) OR (expiresAt > :now AND failures < :last)',
    ExpressionAttributeValues: {
      ':end': now + rule.rememberedSeconds,
      ':never': 0,
      ':one': 1,
      ':now': now,
      ':last': rule.allowed - 1,
    },
  });
}

/** Adds a failure to the count as it was seen, if it has not changed since. An expired count starts over at one. */
function addAfter(store: Store, subject: string, seen: Item, rule: FailureRule, now: number): Promise<number | Item> {
  const next = seen.expiresAt <= now ? 1 : seen.failures + 1;
  return add(store, subject, {
    UpdateExpression: 'SET failures = :next, lockedUntil = :until, expiresAt = :end',
    ConditionExpression: 'failures = :seen AND expiresAt = :seenEnd AND lockedUntil = :seenLock',
    ExpressionAttributeValues: {
      ':next': next,
      ':until': lockSeconds(next, rule) === 0 ? 0 : now + checkingSeconds,
      ':end': now + rule.rememberedSeconds,
      ':seen': seen.failures,
      ':seenEnd': seen.expiresAt,
      ':seenLock': seen.lockedUntil,
    },
  });
}

type Expressions = Pick<
  UpdateCommandInput,
  'UpdateExpression' | 'ConditionExpression' | 'ExpressionAttributeValues' | 'ReturnValues'
>;

/** The number of failures after an update, or the item that did not meet its condition. */
async function add(store: Store, subject: string, expressions: Expressions): Promise<number | Item> {
  try {
    const { Attributes } = await send(store, subject, { ...expressions, ReturnValues: 'ALL_NEW' });
    return Number(Attributes?.failures);
  } catch (error) {
    if (!isConditionFailed(error)) throw error;
    return toItem(error.Item);
  }
}

/** @returns whether the condition held */
async function update(store: Store, subject: string, expressions: Expressions): Promise<boolean> {
  try {
    await send(store, subject, expressions);
    return true;
  } catch (error) {
    if (!isConditionFailed(error)) throw error;
    return false;
  }
}

const send = ({ client, table }: Store, subject: string, expressions: Expressions) =>
  orUnavailable(
    client.update({
      TableName: table,
      Key: { subject },
      ...expressions,
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    }),
  );

const nothing: Item = { failures: 0, lockedUntil: 0, expiresAt: 0 };

const toItem = (item: Record<string, unknown> | undefined): Item =>
  item === undefined
    ? nothing
    : {
        failures: numberOf(item.failures),
        lockedUntil: numberOf(item.lockedUntil),
        expiresAt: numberOf(item.expiresAt),
      };
