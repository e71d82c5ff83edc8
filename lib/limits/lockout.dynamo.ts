import { createHash } from 'node:crypto';
import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { DeleteCommand, type DynamoDBDocumentClient, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { Problem } from '../contract/problems.ts';
import { type Clock, toEpochSeconds } from '../kernel/clock.ts';
import { answered } from '../sessions/answered.dynamo.ts';

export type LockoutStore = { client: DynamoDBDocumentClient; table: string; clock: Clock };

/** From the fifth failure on an e-mail is locked: for 30 s, then for twice as long each time, up to 15 minutes. */
const failuresBeforeLock = 5;
const firstLockSeconds = 30;
const longestLockSeconds = 15 * 60;
/** Failures are forgotten after an hour without one. */
const rememberedSeconds = 3600;

/** As stored; times are in seconds since the epoch. `expiresAt` is the table's TTL attribute. */
type Item = { failures: number; lockedUntil: number; expiresAt: number };

/**
 * Counts an attempt to sign in as failed before the password is looked at, so that guesses made at the same time count
 * too; `forgiveAttempts` takes it back. Whether a customer has this e-mail plays no part.
 * @throws Problem sign-in-locked, PartUnavailable
 */
export async function noteAttempt(store: LockoutStore, email: string): Promise<void> {
  let seen: Item | undefined;
  for (let attempt = 0; attempt < 10; attempt++) {
    const now = toEpochSeconds(store.clock.now());
    if (seen !== undefined && seen.expiresAt > now && seen.lockedUntil > now) throw locked(seen.lockedUntil - now);
    const answer = await write(store, email, seen, now);
    if (answer.written) return;
    seen = answer.seen;
  }
  // So many at once for one e-mail that others got in between each time.
  throw locked(1);
}

/**
 * Forgets the failures of an e-mail: its owner has signed in.
 * @throws PartUnavailable
 */
export async function forgiveAttempts(store: LockoutStore, email: string): Promise<void> {
  await answered(store.client.send(new DeleteCommand({ TableName: store.table, Key: keyOf(email) })));
}

/** Seconds that an e-mail is locked for after so many failures. */
export const lockSeconds = (failures: number): number =>
  failures < failuresBeforeLock
    ? 0
    : Math.min(longestLockSeconds, firstLockSeconds * 2 ** (failures - failuresBeforeLock));

/** One failure more than `seen`, unless something else is there by now. */
async function write(store: LockoutStore, email: string, seen: Item | undefined, now: number) {
  const failures = seen === undefined || seen.expiresAt <= now ? 1 : seen.failures + 1;
  const command = new UpdateCommand({
    TableName: store.table,
    Key: keyOf(email),
    UpdateExpression: 'SET failures = :failures, lockedUntil = :until, expiresAt = :end',
    ConditionExpression:
      seen === undefined ? 'attribute_not_exists(failures)' : 'failures = :seen AND expiresAt = :seenEnd',
    ExpressionAttributeValues: {
      ':failures': failures,
      ':until': now + lockSeconds(failures),
      ':end': now + rememberedSeconds,
      ...(seen === undefined ? {} : { ':seen': seen.failures, ':seenEnd': seen.expiresAt }),
    },
    ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
  });
  try {
    await answered(store.client.send(command));
    return { written: true };
  } catch (error) {
    if (!(error instanceof ConditionalCheckFailedException)) throw error;
    return { written: false, seen: error.Item && toItem(error.Item) };
  }
}

const locked = (seconds: number): Problem =>
  new Problem('sign-in-locked', `Try again in ${seconds} seconds.`, { headers: { 'retry-after': String(seconds) } });

/** The e-mail itself is not kept: the table is no place for personal data. */
const keyOf = (email: string) => ({ subject: `sign-in:${createHash('sha256').update(email).digest('hex')}` });

/** The document client leaves the item in an error as it came. */
const toItem = (item: Record<string, { N?: string | undefined }>): Item => ({
  failures: Number(item.failures?.N),
  lockedUntil: Number(item.lockedUntil?.N),
  expiresAt: Number(item.expiresAt?.N),
});
