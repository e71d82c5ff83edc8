import { createHash } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import {
  BatchWriteCommand,
  type BatchWriteCommandInput,
  type BatchWriteCommandOutput,
  QueryCommand,
} from '@aws-sdk/lib-dynamodb';
import { toEpochSeconds } from '../../kernel/clock.ts';
import { DependencyUnavailable } from '../../kernel/errors.ts';
import { answered } from './answered.dynamo.ts';
import { endSession, type Session, type SessionStore } from './sessions.dynamo.ts';

/** A session as its customer sees it. Times are in milliseconds since the epoch. */
export type OwnSession = {
  id: string;
  createdAt: number;
  expiresAt: number;
  /** Where it was opened: an address without what names one client. */
  network: string | null;
  applicationId: string | null;
};

/** What a session is called by: it says which one is meant, and opens nothing. */
export const sessionIdOf = ({ tokenHash }: Pick<Session, 'tokenHash'>): string =>
  `ses_${createHash('sha256').update(`session ${tokenHash}`).digest('hex').slice(0, 32)}`;

/**
 * The sessions that a customer has now, the newest first.
 * @throws DependencyUnavailable
 */
export async function listSessions(store: SessionStore, customerId: string): Promise<OwnSession[]> {
  const now = toEpochSeconds(store.clock.now());
  const items: Item[] = [];
  for await (const page of pages(store, customerId)) items.push(...page);
  return items
    .filter(({ expiresAt }) => expiresAt > now)
    .map(({ tokenHash, createdAt, expiresAt, network = null, applicationId = null }) => ({
      id: sessionIdOf({ tokenHash }),
      createdAt: createdAt * 1000,
      expiresAt: expiresAt * 1000,
      network,
      applicationId,
    }))
    .toSorted((one, other) => other.createdAt - one.createdAt || (one.id < other.id ? -1 : 1));
}

/**
 * Ends the session of this id, if the customer has it. @returns whether there was one
 * @throws DependencyUnavailable
 */
export async function endSessionById(store: SessionStore, customerId: string, sessionId: string): Promise<boolean> {
  for await (const page of pages(store, customerId)) {
    const session = page.find((item) => sessionIdOf(item) === sessionId);
    if (session === undefined) continue;
    await endSession(store, session);
    return session.expiresAt > toEpochSeconds(store.clock.now());
  }
  return false;
}

/**
 * Ends every session that the customer has now, but for the one of `spared`.
 * @throws DependencyUnavailable when some may be left; asking again is safe
 */
export async function endAllSessions(store: SessionStore, customerId: string, spared?: Session): Promise<void> {
  for await (const page of pages(store, customerId)) {
    const sessions = page.filter(({ tokenHash }) => tokenHash !== spared?.tokenHash);
    for (let at = 0; at < sessions.length; at += batchSize) {
      await deleteBatch(store, sessions.slice(at, at + batchSize));
    }
  }
}

type Item = Session & { createdAt: number; expiresAt: number; network?: string; applicationId?: string };

async function* pages(store: SessionStore, customerId: string): AsyncGenerator<Item[]> {
  let from: Record<string, unknown> | undefined;
  do {
    const page = await answered(
      store.client.send(
        new QueryCommand({
          TableName: store.table,
          KeyConditionExpression: 'customerId = :customer',
          ExpressionAttributeValues: { ':customer': customerId },
          ConsistentRead: true,
          ExclusiveStartKey: from,
        }),
      ),
    );
    yield (page.Items ?? []) as Item[];
    from = page.LastEvaluatedKey;
  } while (from !== undefined);
}

/** Most that one BatchWriteItem takes. */
const batchSize = 25;
const batchAttempts = 6;

async function deleteBatch(store: SessionStore, sessions: Session[]): Promise<void> {
  let left: BatchWriteCommandInput['RequestItems'] = {
    [store.table]: sessions.map(({ customerId, tokenHash }) => ({ DeleteRequest: { Key: { customerId, tokenHash } } })),
  };
  for (let attempt = 1; ; attempt++) {
    const answer: BatchWriteCommandOutput = await answered(
      store.client.send(new BatchWriteCommand({ RequestItems: left })),
    );
    left = answer.UnprocessedItems ?? {};
    if (Object.keys(left).length === 0) return;
    if (attempt === batchAttempts) throw new DependencyUnavailable('sessions');
    await pause(25 * 2 ** attempt * (0.5 + Math.random() / 2));
  }
}
