import {
  type DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  paginateScan,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb';
import { scopes as knownScopes, type Scope } from '../contract/roles.ts';
import { type Clock, toEpochSeconds } from '../kernel/clock.ts';
import { newId } from '../kernel/ids.ts';
import { answered } from '../sessions/answered.dynamo.ts';
import { mintBearer, readBearer, sameHash } from '../sessions/bearer.ts';

export type AppKeyStore = { client: DynamoDBDocumentClient; table: string; clock: Clock };

/** A key as operations see it; times in milliseconds since the epoch. The key itself is never kept. */
export type AppKey = {
  keyId: string;
  name: string;
  scopes: Scope[];
  createdAt: number;
  expiresAt: number | undefined;
  revokedAt: number | undefined;
  /** To the hour. */
  lastUsedAt: number | undefined;
};

/** As stored; times are in seconds since the epoch. */
type Item = {
  keyId: string;
  name: string;
  scopes: string[];
  secretHash: string;
  createdAt: number;
  expiresAt?: number;
  revokedAt?: number;
  lastUsedAt?: number;
};

const lastUsedEverySeconds = 3600;

/**
 * Who an app key stands for, or undefined when it is unknown, altered, revoked or expired.
 * @throws PartUnavailable
 */
export async function findAppKey(
  store: AppKeyStore,
  key: string,
): Promise<{ keyId: string; name: string; scopes: Scope[] } | undefined> {
  const read = readBearer('appKey', key);
  if (read === undefined) return undefined;
  const { Item: found } = await answered(
    store.client.send(new GetCommand({ TableName: store.table, Key: { keyId: read.id }, ConsistentRead: true })),
  );
  const item = found as Item | undefined;
  if (item === undefined || !sameHash(item.secretHash, read.hash)) return undefined;
  const now = toEpochSeconds(store.clock.now());
  if (item.revokedAt !== undefined || (item.expiresAt ?? Number.POSITIVE_INFINITY) <= now) return undefined;
  await noteUse(store, item, now);
  return { keyId: item.keyId, name: item.name, scopes: scopesOf(item) };
}

/**
 * Makes a key and shows it this once. `expiresAt` is in milliseconds since the epoch; without it the key lives until
 * it is revoked.
 * @throws PartUnavailable
 */
export async function createAppKey(
  store: AppKeyStore,
  { name, scopes, expiresAt }: { name: string; scopes: readonly Scope[]; expiresAt?: number },
): Promise<{ keyId: string; key: string }> {
  const keyId = newId('appKey', store.clock);
  const { bearer, hash } = mintBearer('appKey', keyId);
  const item: Item = {
    keyId,
    name,
    scopes: [...new Set(scopes)],
    secretHash: hash,
    createdAt: toEpochSeconds(store.clock.now()),
    ...(expiresAt === undefined ? {} : { expiresAt: toEpochSeconds(expiresAt) }),
  };
  await answered(
    store.client.send(
      new PutCommand({ TableName: store.table, Item: item, ConditionExpression: 'attribute_not_exists(keyId)' }),
    ),
  );
  return { keyId, key: bearer };
}

/**
 * Every key there is, oldest first, those that are no longer good included.
 * @throws PartUnavailable
 */
export async function listAppKeys(store: AppKeyStore): Promise<AppKey[]> {
  const items: Item[] = [];
  const pages = paginateScan({ client: store.client }, { TableName: store.table, ConsistentRead: true });
  await answered(
    (async () => {
      for await (const page of pages) items.push(...((page.Items ?? []) as Item[]));
    })(),
  );
  return items.map(toAppKey).sort((a, b) => (a.keyId < b.keyId ? -1 : 1));
}

/**
 * Takes a key out of use, from its next request on. Revoking twice keeps the first time.
 * @returns whether there is such a key
 * @throws PartUnavailable
 */
export async function revokeAppKey(store: AppKeyStore, keyId: string): Promise<boolean> {
  try {
    await answered(
      store.client.send(
        new UpdateCommand({
          TableName: store.table,
          Key: { keyId },
          UpdateExpression: 'SET revokedAt = if_not_exists(revokedAt, :now)',
          ConditionExpression: 'attribute_exists(keyId)',
          ExpressionAttributeValues: { ':now': toEpochSeconds(store.clock.now()) },
        }),
      ),
    );
    return true;
  } catch (error) {
    if (error instanceof Error && error.name === 'ConditionalCheckFailedException') return false;
    throw error;
  }
}

/** Worth a write an hour, and never a request's answer. */
async function noteUse(store: AppKeyStore, { keyId, lastUsedAt }: Item, now: number): Promise<void> {
  if (lastUsedAt !== undefined && now - lastUsedAt < lastUsedEverySeconds) return;
  await store.client
    .send(
      new UpdateCommand({
        TableName: store.table,
        Key: { keyId },
        UpdateExpression: 'SET lastUsedAt = :now',
        ConditionExpression:
          lastUsedAt === undefined
            ? 'attribute_exists(keyId) AND attribute_not_exists(lastUsedAt)'
            : 'lastUsedAt = :seen',
        ExpressionAttributeValues: { ':now': now, ...(lastUsedAt === undefined ? {} : { ':seen': lastUsedAt }) },
      }),
    )
    .catch(() => {});
}

/** A scope that this release does not know allows nothing. */
const scopesOf = (item: Item): Scope[] => knownScopes.filter((scope) => item.scopes.includes(scope));

const toAppKey = (item: Item): AppKey => ({
  keyId: item.keyId,
  name: item.name,
  scopes: scopesOf(item),
  createdAt: item.createdAt * 1000,
  expiresAt: toMs(item.expiresAt),
  revokedAt: toMs(item.revokedAt),
  lastUsedAt: toMs(item.lastUsedAt),
});

const toMs = (seconds: number | undefined): number | undefined => (seconds === undefined ? undefined : seconds * 1000);
