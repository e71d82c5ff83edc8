import { createHash } from 'node:crypto';
import { BatchGetCommand, DeleteCommand, type DynamoDBDocumentClient, PutCommand } from '@aws-sdk/lib-dynamodb';
import { type Clock, toEpochSeconds } from '../../kernel/clock.ts';
import { DependencyUnavailable } from '../../kernel/errors.ts';
import { answered } from '../sessions/answered.dynamo.ts';
import { type Count, countOne, locked, raiseLock, secondsLeft, takeBack } from './login-attempts.dynamo.ts';

export type LockoutStore = { client: DynamoDBDocumentClient; table: string; clock: Clock };

/** Who tries: an e-mail in lower case and the network that the request comes from. */
export type LoginSource = { email: string; network: string };

/** An attempt that has been counted as failed until it is told to have succeeded. */
export type Attempt = LoginSource & { knownUntil: number; counts: readonly Count[] };

/** Failures that go through before the waits begin: of one e-mail from one network, of one e-mail from all networks that
 * it was never signed in from, and of one network over all e-mails, behind which may be a whole office. */
const free = { pair: 5, strangers: 20, network: 50 } as const;
/** A network is known as the customer's for so long after a sign-in from it. */
const knownSeconds = 90 * 24 * 3600;
/** A sign-in writes that down anew after so long. */
const knownAnewSeconds = 24 * 3600;

/**
 * Counts an attempt as failed before the password is looked at, so that login attempts made at the same time count too. From a
 * network that the customer has signed in from, only the failures from there count: whoever login attempts elsewhere cannot lock
 * the owner out. Whether a customer has this e-mail plays no part.
 * @throws Problem sign-in-locked, DependencyUnavailable
 */
export async function noteAttempt(store: LockoutStore, source: LoginSource): Promise<Attempt> {
  const now = toEpochSeconds(store.clock.now());
  const subjects = subjectsOf(source);
  const found = await read(store, Object.values(subjects));
  const knownUntil = found.get(subjects.known)?.expiresAt ?? 0;
  const judged = knownUntil > now ? (['pair'] as const) : (['pair', 'strangers', 'network'] as const);
  // Before anything is written: what is refused counts for nothing.
  const waits = judged.map((name) => secondsLeft(found.get(subjects[name]), now));
  if (Math.max(...waits) > 0) throw locked(Math.max(...waits));
  const counts: Count[] = [];
  try {
    for (const name of judged) counts.push(await countOne(store, subjects[name], free[name]));
  } catch (error) {
    await Promise.all(counts.map((count) => takeBack(store, count)));
    throw error;
  }
  return { ...source, knownUntil, counts };
}

/**
 * The attempt was a wrong guess: from now on its waits are as long as they get.
 * @throws DependencyUnavailable
 */
export async function attemptFailed(store: LockoutStore, { counts }: Attempt): Promise<void> {
  await Promise.all(counts.map((count) => raiseLock(store, count)));
}

/**
 * The attempt was the owner's: forgets the failures from this network, takes the attempt back elsewhere, and knows the
 * network from now on.
 * @throws DependencyUnavailable
 */
export async function attemptSucceeded(store: LockoutStore, attempt: Attempt): Promise<void> {
  const [, ...elsewhere] = attempt.counts;
  await Promise.all([welcome(store, attempt, attempt.knownUntil), ...elsewhere.map((count) => takeBack(store, count))]);
}

/**
 * Knows a network as that of a customer, whose failures from it are forgotten. `knownUntil` is what is written down of
 * it, in seconds since the epoch.
 * @throws DependencyUnavailable
 */
export async function welcome(store: LockoutStore, source: LoginSource, knownUntil = 0): Promise<void> {
  const { client, table: TableName } = store;
  const { known, pair } = subjectsOf(source);
  const expiresAt = toEpochSeconds(store.clock.now()) + knownSeconds;
  await Promise.all([
    answered(client.send(new DeleteCommand({ TableName, Key: { subject: pair } }))),
    expiresAt - knownUntil > knownAnewSeconds
      ? answered(client.send(new PutCommand({ TableName, Item: { subject: known, expiresAt } })))
      : undefined,
  ]);
}

async function read(store: LockoutStore, subjects: string[]) {
  const { client, table } = store;
  const { Responses, UnprocessedKeys } = await answered(
    client.send(
      new BatchGetCommand({
        RequestItems: { [table]: { Keys: subjects.map((subject) => ({ subject })), ConsistentRead: true } },
      }),
    ),
  );
  if (Object.keys(UnprocessedKeys ?? {}).length > 0) throw new DependencyUnavailable('sessions');
  return new Map((Responses?.[table] ?? []).map((item) => [item.subject as string, item as Item]));
}

type Item = { lockedUntil?: number; expiresAt: number };

/** E-mails and networks are not kept themselves: the table is no place for personal data. */
function subjectsOf({ email, network }: LoginSource) {
  const [of, from] = [hash(email), hash(network)];
  const pair = hash(`${of}${from}`);
  return {
    known: `sign-in-known:${pair}`,
    pair: `sign-in:${pair}`,
    strangers: `sign-in-strangers:${of}`,
    network: `sign-in-network:${from}`,
  };
}

const hash = (text: string): string => createHash('sha256').update(text).digest('hex');
