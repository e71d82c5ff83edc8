import {
  DeleteCommand,
  type DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb';
import { type Clock, toEpochSeconds } from '../../kernel/clock.ts';
import { truncatedAddress } from '../../kernel/network.ts';
import { answered } from './answered.dynamo.ts';
import { mintBearer, readBearer } from './bearer.ts';

export type SessionStore = {
  client: DynamoDBDocumentClient;
  table: string;
  /** Seconds without a request after which a session ends. */
  idleSeconds: number;
  /** Seconds after which a session ends however busy it is. */
  maxSeconds: number;
  clock: Clock;
};

export type Session = { customerId: string; tokenHash: string };

/** As stored; times are in seconds since the epoch. `expiresAt` is the table's TTL attribute. */
type Item = Session & { createdAt: number; expiresAt: number; network?: string; applicationId?: string };

/**
 * Opens a session for an application, which it is bound to, for a client at this address. The token is shown this once and never stored; `expiresAt` is in milliseconds since the epoch and
 * moves on while the session is used.
 * @throws DependencyUnavailable
 */
export async function openSession(
  store: SessionStore,
  { customerId, applicationId, address }: { customerId: string; applicationId: string; address?: string },
): Promise<{ token: string; expiresAt: number; tokenHash: string }> {
  const { bearer, hash } = mintBearer('session', customerId);
  const createdAt = toEpochSeconds(store.clock.now());
  const expiresAt = createdAt + Math.min(store.idleSeconds, store.maxSeconds);
  const network = address === undefined ? {} : { network: truncatedAddress(address) };
  const item: Item = { customerId, tokenHash: hash, applicationId, createdAt, expiresAt, ...network };
  await answered(store.client.send(new PutCommand({ TableName: store.table, Item: item })));
  return { token: bearer, expiresAt: expiresAt * 1000, tokenHash: hash };
}

/**
 * The session of a token, or undefined when it is unknown, altered, ended or expired. Using a session in the second
 * half of its idle time starts that time anew.
 * @throws DependencyUnavailable
 */
export async function findSession(
  store: SessionStore,
  token: string,
): Promise<(Session & { applicationId: string | undefined }) | undefined> {
  const read = readBearer('session', token);
  if (read === undefined) return undefined;
  const session: Session = { customerId: read.id, tokenHash: read.hash };
  const { Item: item } = await answered(
    store.client.send(new GetCommand({ TableName: store.table, Key: session, ConsistentRead: true })),
  );
  const now = toEpochSeconds(store.clock.now());
  // DynamoDB removes what has expired up to days later.
  if (item === undefined || (item as Item).expiresAt <= now) return undefined;
  await extend(store, item as Item, now);
  return { ...session, applicationId: (item as Item).applicationId };
}

/**
 * Ends one session; the next request with its token finds nothing.
 * @throws DependencyUnavailable
 */
export async function endSession(store: SessionStore, { customerId, tokenHash }: Session): Promise<void> {
  await answered(store.client.send(new DeleteCommand({ TableName: store.table, Key: { customerId, tokenHash } })));
}

/** At most one write in half an idle time. Not reaching it costs the session some life, never the request its answer. */
async function extend(store: SessionStore, item: Item, now: number): Promise<void> {
  const expiresAt = Math.min(now + store.idleSeconds, item.createdAt + store.maxSeconds);
  if (item.expiresAt - now >= store.idleSeconds / 2 || expiresAt <= item.expiresAt) return;
  const { customerId, tokenHash } = item;
  await store.client
    .send(
      new UpdateCommand({
        TableName: store.table,
        Key: { customerId, tokenHash },
        UpdateExpression: 'SET expiresAt = :later',
        // A session that was ended meanwhile does not come back, and one request of many at once is enough.
        ConditionExpression: 'expiresAt = :seen',
        ExpressionAttributeValues: { ':later': expiresAt, ':seen': item.expiresAt },
      }),
    )
    .catch(() => {});
}
