import type { OwnSession } from '../../contract/api/caller.ts';
import type { DocumentClient } from '../../database/document-client.dynamo.ts';
import { type Clock, toEpochSeconds } from '../../kernel/clock.ts';
import { truncatedAddress } from '../../kernel/network.ts';
import { mintBearer, parseBearer } from '../bearer.ts';
import { orUnavailable } from '../store.dynamo.ts';

export type SessionStore = {
  client: DocumentClient;
  table: string;
  /** Seconds without a request after which a session ends. */
  idleSeconds: number;
  /** Seconds after which a session ends, however often it is used. */
  maxSeconds: number;
  clock: Clock;
};

export type Session = { customerId: string; tokenHash: string };

/** As stored; times are in seconds since the epoch. `expiresAt` is the table's TTL attribute. */
export type SessionItem = Session & {
  createdAt: number;
  /** When the customer proved who they are: by a password, then the same as `createdAt`; or earlier at an issuer. */
  authenticatedAt: number;
  expiresAt: number;
  network?: string;
  applicationId?: string;
};

/**
 * Opens a session for a customer of an application; only that application can use it. The token is returned this once
 * and never stored. `expiresAt` is in milliseconds since the epoch, and moves on while the session is used.
 * @param authenticatedAt when the customer proved who they are, in milliseconds since the epoch; now by default
 * @throws DependencyUnavailable
 */
export async function openSession(
  store: SessionStore,
  {
    customerId,
    applicationId,
    address,
    authenticatedAt = store.clock.now(),
  }: { customerId: string; applicationId: string; address?: string; authenticatedAt?: number },
): Promise<{ token: string; expiresAt: number; tokenHash: string }> {
  const { bearer, hash } = mintBearer('session', customerId);
  const createdAt = toEpochSeconds(store.clock.now());
  const expiresAt = createdAt + Math.min(store.idleSeconds, store.maxSeconds);
  const network = address === undefined ? {} : { network: truncatedAddress(address) };
  const times = { createdAt, authenticatedAt: Math.min(createdAt, toEpochSeconds(authenticatedAt)), expiresAt };
  const item: SessionItem = { customerId, tokenHash: hash, applicationId, ...times, ...network };
  await orUnavailable(store.client.put({ TableName: store.table, Item: item }));
  return { token: bearer, expiresAt: expiresAt * 1000, tokenHash: hash };
}

/**
 * The session of a token; undefined when the token is unknown or altered, or its session has ended or expired. Using a
 * session in the second half of its idle time restarts that time.
 * @throws DependencyUnavailable
 */
export async function findSession(
  store: SessionStore,
  token: string,
): Promise<(OwnSession & { applicationId: string | undefined }) | undefined> {
  const parsed = parseBearer('session', token);
  if (parsed === undefined) return undefined;
  const session: Session = { customerId: parsed.id, tokenHash: parsed.hash };
  const { Item: item } = await orUnavailable(
    store.client.get({ TableName: store.table, Key: session, ConsistentRead: true }),
  );
  const now = toEpochSeconds(store.clock.now());
  // DynamoDB deletes expired items up to days later.
  if (item === undefined || (item as SessionItem).expiresAt <= now) return undefined;
  await extend(store, item as SessionItem, now);
  const { applicationId, createdAt, authenticatedAt } = item as SessionItem;
  return { ...session, applicationId, openedAt: createdAt * 1000, authenticatedAt: authenticatedAt * 1000 };
}

/**
 * Ends a session: from now on its token finds nothing.
 * @throws DependencyUnavailable
 */
export async function endSession(store: SessionStore, { customerId, tokenHash }: Session): Promise<void> {
  await orUnavailable(store.client.delete({ TableName: store.table, Key: { customerId, tokenHash } }));
}

/**
 * Restarts a session's idle time, at most once in half of it. A failure costs the session some time, not the request.
 */
async function extend(store: SessionStore, item: SessionItem, now: number): Promise<void> {
  const expiresAt = Math.min(now + store.idleSeconds, item.createdAt + store.maxSeconds);
  if (item.expiresAt - now >= store.idleSeconds / 2 || expiresAt <= item.expiresAt) return;
  const { customerId, tokenHash } = item;
  await store.client
    .update({
      TableName: store.table,
      Key: { customerId, tokenHash },
      UpdateExpression: 'SET expiresAt = :later',
      // Does not bring back a session that was ended meanwhile, and lets one of several concurrent requests write.
      ConditionExpression: 'expiresAt = :seen',
      ExpressionAttributeValues: { ':later': expiresAt, ':seen': item.expiresAt },
    })
    .catch(() => {});
}
