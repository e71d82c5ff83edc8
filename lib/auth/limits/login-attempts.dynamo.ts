import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { type DynamoDBDocumentClient, UpdateCommand, type UpdateCommandInput } from '@aws-sdk/lib-dynamodb';
import { Problem } from '../../contract/api/problems.ts';
import { type Clock, toEpochSeconds } from '../../kernel/clock.ts';
import { answered } from '../sessions/answered.dynamo.ts';

type Store = { client: DynamoDBDocumentClient; table: string; clock: Clock };

/** One guess as counted: how many failures there are with it, and how many go through before the waits begin. */
export type Count = { subject: string; failures: number; free: number };

/** The first wait is 30 s, each one more twice as long, up to 15 minutes. */
const firstLockSeconds = 30;
const longestLockSeconds = 15 * 60;
/**
 * The wait while a guess has not been judged yet: a little longer than a request may take. A process that dies on the way
 * keeps nobody out for longer.
 */
const judgingSeconds = 10;
/** Failures are forgotten after an hour without one. */
const rememberedSeconds = 3600;

/** As stored; times are in seconds since the epoch. `expiresAt` is the table's TTL attribute. */
type Item = { failures: number; lockedUntil: number; expiresAt: number };

/** Seconds to wait after so many failures. */
export const lockSeconds = (failures: number, free: number): number =>
  failures < free ? 0 : Math.min(longestLockSeconds, firstLockSeconds * 2 ** (failures - free));

/** Seconds that a count is locked for yet; 0 when it is not. */
export const secondsLeft = (item: { lockedUntil?: number; expiresAt: number } | undefined, now: number): number =>
  item === undefined || item.expiresAt <= now ? 0 : Math.max(0, (item.lockedUntil ?? 0) - now);

export const locked = (seconds: number): Problem =>
  new Problem('sign-in-locked', `Try again in ${seconds} seconds.`, { headers: { 'retry-after': String(seconds) } });

/**
 * Counts one guess more, unless the count is locked. Login attempts at the same time count one by one.
 * @throws Problem sign-in-locked, DependencyUnavailable
 */
export async function countOne(store: Store, subject: string, free: number): Promise<Count> {
  const now = toEpochSeconds(store.clock.now());
  let seen: Item | number = nothing;
  for (let attempt = 0; attempt < 10; attempt++) {
    if (secondsLeft(seen, now) > 0) throw locked(secondsLeft(seen, now));
    seen = await (seen === nothing ? addFreely(store, subject, free, now) : addAfter(store, subject, seen, free, now));
    if (typeof seen === 'number') return { subject, failures: seen, free };
  }
  // So many at once that others got in between each time.
  throw locked(1);
}

/** Makes the wait after a guess that was wrong as long as it gets, unless another was counted meanwhile. */
export async function raiseLock(store: Store, { subject, failures, free }: Count): Promise<void> {
  const seconds = lockSeconds(failures, free);
  if (seconds === 0) return;
  const now = toEpochSeconds(store.clock.now());
  await update(store, subject, {
    UpdateExpression: 'SET lockedUntil = :until',
    ConditionExpression: 'failures = :failures',
    ExpressionAttributeValues: { ':until': now + seconds, ':failures': failures },
  });
}

/** Uncounts a guess, and ends the wait that it alone has brought. */
export async function takeBack(store: Store, { subject, failures, free }: Count): Promise<void> {
  const locks = failures >= free;
  const alone =
    locks &&
    (await update(store, subject, {
      UpdateExpression: 'SET lockedUntil = :never ADD failures :less',
      ConditionExpression: 'failures = :failures',
      ExpressionAttributeValues: { ':less': -1, ':never': 0, ':failures': failures },
    }));
  if (alone) return;
  await update(store, subject, {
    UpdateExpression: 'ADD failures :less',
    ConditionExpression: 'failures > :none',
    ExpressionAttributeValues: { ':less': -1, ':none': 0 },
  });
}

/** Without knowing the count: as long as no wait comes of it, any number of login attempts can be counted at once. */
function addFreely(store: Store, subject: string, free: number, now: number): Promise<number | Item> {
  return add(store, subject, {
    UpdateExpression: 'SET expiresAt = :end, lockedUntil = if_not_exists(lockedUntil, :never) ADD failures :one',
    ConditionExpression: 'attribute_not_exists(failures) OR (expiresAt > :now AND failures < :last)',
    ExpressionAttributeValues: {
      ':end': now + rememberedSeconds,
      ':never': 0,
      ':one': 1,
      ':now': now,
      ':last': free - 1,
    },
  });
}

/** One more than was seen, unless something else is there by now; from one on when that is past its time. */
function addAfter(store: Store, subject: string, seen: Item, free: number, now: number): Promise<number | Item> {
  const next = seen.expiresAt <= now ? 1 : seen.failures + 1;
  return add(store, subject, {
    UpdateExpression: 'SET failures = :next, lockedUntil = :until, expiresAt = :end',
    ConditionExpression: 'failures = :seen AND expiresAt = :seenEnd AND lockedUntil = :seenLock',
    ExpressionAttributeValues: {
      ':next': next,
      ':until': lockSeconds(next, free) === 0 ? 0 : now + judgingSeconds,
      ':end': now + rememberedSeconds,
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

/** The failures after an update, or what was there instead of what it wanted. */
async function add(store: Store, subject: string, expressions: Expressions): Promise<number | Item> {
  try {
    const { Attributes } = await send(store, subject, { ...expressions, ReturnValues: 'ALL_NEW' });
    return Number(Attributes?.failures);
  } catch (error) {
    if (!(error instanceof ConditionalCheckFailedException)) throw error;
    return toItem(error.Item);
  }
}

/** @returns whether the condition held */
async function update(store: Store, subject: string, expressions: Expressions): Promise<boolean> {
  try {
    await send(store, subject, expressions);
    return true;
  } catch (error) {
    if (!(error instanceof ConditionalCheckFailedException)) throw error;
    return false;
  }
}

const send = ({ client, table }: Store, subject: string, expressions: Expressions) =>
  answered(
    client.send(
      new UpdateCommand({
        TableName: table,
        Key: { subject },
        ...expressions,
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      }),
    ),
  );

const nothing: Item = { failures: 0, lockedUntil: 0, expiresAt: 0 };

/** The document client leaves the item in an error as it came. */
const toItem = (item: Record<string, { N?: string | undefined }> | undefined): Item =>
  item === undefined
    ? nothing
    : {
        failures: Number(item.failures?.N),
        lockedUntil: Number(item.lockedUntil?.N),
        expiresAt: Number(item.expiresAt?.N),
      };
