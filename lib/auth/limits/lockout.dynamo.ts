import { createHash } from 'node:crypto';
import type { DocumentClient } from '../../database/document-client.dynamo.ts';
import { type Clock, toEpochSeconds } from '../../kernel/clock.ts';
import { DependencyUnavailable } from '../../kernel/errors.ts';
import { orUnavailable } from '../store.dynamo.ts';
import {
  addFailure,
  type FailureCount,
  type FailureRule,
  lockedFor,
  lockedProblem,
  raiseLock,
  removeFailure,
} from './login-attempts.dynamo.ts';

export type LockoutStore = { client: DocumentClient; table: string; clock: Clock };

/** Where a login attempt comes from: an e-mail address in lower case, and the client's network. */
export type LoginSource = { email: string; network: string };

/** A login attempt that counts as failed until `attemptSucceeded` is called. */
export type Attempt = LoginSource & { knownUntil: number; counts: readonly FailureCount[] };

const hour = 3600;
const hourly = { firstLockSeconds: 30, longestLockSeconds: 15 * 60, rememberedSeconds: hour };

/**
 * The counts: `pair` is one e-mail address from one network, `strangers` is one e-mail address from all networks that
 * are not known as its owner's, and `daily` the same over a day, which bounds patient guessing. `network` is one network
 * with any e-mail address; a whole office may share one.
 */
const rules = {
  pair: { allowed: 5, ...hourly },
  strangers: { allowed: 20, ...hourly },
  daily: { allowed: 50, firstLockSeconds: 24 * hour, longestLockSeconds: 24 * hour, rememberedSeconds: 24 * hour },
  network: { allowed: 50, ...hourly },
} as const satisfies Record<string, FailureRule>;

/** How long a network is known as a customer's after they signed in from it. */
const knownSeconds = 90 * 24 * 3600;
/** How often a sign-in extends that. */
const extendSeconds = 24 * 3600;

/**
 * Counts a login attempt as failed before its password is checked, so that concurrent attempts count too. From a
 * network that the customer has signed in from, only failures from that network count: nobody can lock an owner out by
 * guessing elsewhere. Whether a customer has the e-mail address makes no difference.
 * @throws Problem sign-in-locked, DependencyUnavailable
 */
export async function noteAttempt(store: LockoutStore, source: LoginSource): Promise<Attempt> {
  const now = toEpochSeconds(store.clock.now());
  const subjects = subjectsOf(source);
  const found = await read(store, Object.values(subjects));
  const knownUntil = found.get(subjects.known)?.expiresAt ?? 0;
  const applicable = knownUntil > now ? (['pair'] as const) : (['pair', 'strangers', 'daily', 'network'] as const);
  // Before anything is written: an attempt that is refused does not count.
  const locks = applicable.map((name) => lockedFor(found.get(subjects[name]), now));
  if (Math.max(...locks) > 0) throw lockedProblem(Math.max(...locks));
  const counts: FailureCount[] = [];
  try {
    for (const name of applicable) counts.push(await addFailure(store, subjects[name], rules[name]));
  } catch (error) {
    await Promise.all(counts.map((count) => removeFailure(store, count)));
    throw error;
  }
  return { ...source, knownUntil, counts };
}

/**
 * Reports that the password was wrong: the locks of the attempt now get their full length.
 * @returns whether this failure is the one that locks an e-mail address for strangers, of which its owner should hear
 * @throws DependencyUnavailable
 */
export async function attemptFailed(store: LockoutStore, { counts }: Attempt): Promise<{ ownerShouldHear: boolean }> {
  await Promise.all(counts.map((count) => raiseLock(store, count)));
  const told: readonly FailureRule[] = [rules.strangers, rules.daily];
  return { ownerShouldHear: counts.some(({ rule, failures }) => told.includes(rule) && failures === rule.allowed) };
}

/**
 * Reports that the password was right: deletes the failures of this e-mail address from this network, removes the
 * attempt from the other counts, and knows the network as the customer's from now on.
 * @throws DependencyUnavailable
 */
export async function attemptSucceeded(store: LockoutStore, attempt: Attempt): Promise<void> {
  const [, ...otherCounts] = attempt.counts;
  await Promise.all([
    knowNetwork(store, attempt, attempt.knownUntil),
    ...otherCounts.map((count) => removeFailure(store, count)),
  ]);
}

/**
 * Knows a network as a customer's, and deletes the failures of their e-mail address from it.
 * @param knownUntil until when it is known already, in seconds since the epoch
 * @throws DependencyUnavailable
 */
export async function knowNetwork(store: LockoutStore, source: LoginSource, knownUntil = 0): Promise<void> {
  const { client, table: TableName } = store;
  const { known, pair } = subjectsOf(source);
  const expiresAt = toEpochSeconds(store.clock.now()) + knownSeconds;
  await Promise.all([
    orUnavailable(client.delete({ TableName, Key: { subject: pair } })),
    expiresAt - knownUntil > extendSeconds
      ? orUnavailable(client.put({ TableName, Item: { subject: known, expiresAt } }))
      : undefined,
  ]);
}

async function read(store: LockoutStore, subjects: string[]) {
  const { client, table } = store;
  const { Responses, UnprocessedKeys } = await orUnavailable(
    client.batchGet({
      RequestItems: { [table]: { Keys: subjects.map((subject) => ({ subject })), ConsistentRead: true } },
    }),
  );
  if (Object.keys(UnprocessedKeys ?? {}).length > 0) throw new DependencyUnavailable('sessions');
  return new Map((Responses?.[table] ?? []).map((item) => [item.subject as string, item as Item]));
}

type Item = { lockedUntil?: number; expiresAt: number };

/** The keys of the counts. They contain hashes, so that the table holds no personal data. */
function subjectsOf({ email, network }: LoginSource) {
  const [of, from] = [hash(email), hash(network)];
  const pair = hash(`${of}${from}`);
  return {
    known: `sign-in-known:${pair}`,
    pair: `sign-in:${pair}`,
    strangers: `sign-in-strangers:${of}`,
    daily: `sign-in-daily:${of}`,
    network: `sign-in-network:${from}`,
  };
}

const hash = (text: string): string => createHash('sha256').update(text).digest('hex');
