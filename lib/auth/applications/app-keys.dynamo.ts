import { BatchGetCommand, GetCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { type KeyView, maxKeys } from '../../contract/api/applications.ts';
import { Problem } from '../../contract/api/problems.ts';
import { toEpochSeconds, toTimestamp } from '../../kernel/clock.ts';
import { newId } from '../../kernel/ids.ts';
import { mintBearer, parseBearer, sameHash } from '../bearer.ts';
import { orUnavailable, writeAll } from '../store.dynamo.ts';
import type { ApplicationItem, ApplicationStore } from './applications.dynamo.ts';

export type KeyStore = Pick<ApplicationStore, 'client' | 'keysTable' | 'clock'>;

/** As stored; times are in seconds since the epoch. The key itself is never stored. */
type Item = {
  keyId: string;
  applicationId: string;
  secretHash: string;
  createdAt: number;
  expiresAt?: number;
  lastUsedAt?: number;
};

const lastUsedEverySeconds = 3600;
/** A forgotten key stops working after a year. */
const defaultKeySeconds = 365 * 24 * 3600;

/**
 * The application that a key belongs to; undefined when the key is unknown, altered, removed or expired.
 * @throws DependencyUnavailable
 */
export async function findKey(
  store: KeyStore,
  key: string,
): Promise<{ keyId: string; applicationId: string } | undefined> {
  const parsed = parseBearer('appKey', key);
  if (parsed === undefined) return undefined;
  const { Item: found } = await orUnavailable(
    store.client.send(new GetCommand({ TableName: store.keysTable, Key: { keyId: parsed.id }, ConsistentRead: true })),
  );
  const item = found as Item | undefined;
  if (item?.applicationId === undefined || !sameHash(item.secretHash, parsed.hash)) return undefined;
  const now = toEpochSeconds(store.clock.now());
  if ((item.expiresAt ?? Number.POSITIVE_INFINITY) <= now) return undefined;
  await noteUse(store, item, now);
  return { keyId: item.keyId, applicationId: item.applicationId };
}

/**
 * Creates a key of an application. The key is returned this once and never stored. `expiresAt` is in milliseconds since
 * the epoch; null is never, and by default a key works for a year.
 * @throws Problem too-many-keys, not-found; DependencyUnavailable
 */
export async function createKey(
  store: ApplicationStore,
  applicationId: string,
  expiresAt: number | null = store.clock.now() + defaultKeySeconds * 1000,
): Promise<KeyView & { key: string }> {
  const keyId = newId('appKey', store.clock);
  const { bearer, hash } = mintBearer('appKey', keyId);
  const item: Item = {
    keyId,
    applicationId,
    secretHash: hash,
    createdAt: toEpochSeconds(store.clock.now()),
    ...(expiresAt === null ? {} : { expiresAt: toEpochSeconds(expiresAt) }),
  };
  const written = await writeAll(store.client, [
    { Put: { TableName: store.keysTable, Item: item, ConditionExpression: 'attribute_not_exists(keyId)' } },
    {
      Update: {
        TableName: store.table,
        Key: { applicationId },
        UpdateExpression: 'ADD keyIds :added',
        ConditionExpression: 'attribute_exists(kind) AND (attribute_not_exists(keyIds) OR size(keyIds) < :most)',
        ExpressionAttributeValues: { ':added': new Set([keyId]), ':most': maxKeys },
      },
    },
  ]);
  if (!written) throw new Problem('too-many-keys', `An application has at most ${maxKeys} keys; delete one first.`);
  return { ...toView(item), key: bearer };
}

/**
 * The keys of an application, newest first, including expired ones.
 * @throws DependencyUnavailable
 */
export async function listKeys(store: KeyStore, { keyIds }: Pick<ApplicationItem, 'keyIds'>): Promise<KeyView[]> {
  if (keyIds === undefined || keyIds.size === 0) return [];
  const keys = [...keyIds].map((keyId) => ({ keyId }));
  const answer = await orUnavailable(
    store.client.send(
      new BatchGetCommand({ RequestItems: { [store.keysTable]: { Keys: keys, ConsistentRead: true } } }),
    ),
  );
  const items = (answer.Responses?.[store.keysTable] ?? []) as Item[];
  return items.sort((a, b) => (a.keyId < b.keyId ? 1 : -1)).map(toView);
}

/**
 * Removes a key. It stops working with its next request.
 * @returns whether the application had such a key
 * @throws DependencyUnavailable
 */
export const removeKey = (store: ApplicationStore, applicationId: string, keyId: string): Promise<boolean> =>
  writeAll(store.client, [
    {
      Delete: {
        TableName: store.keysTable,
        Key: { keyId },
        ConditionExpression: 'applicationId = :application',
        ExpressionAttributeValues: { ':application': applicationId },
      },
    },
    {
      Update: {
        TableName: store.table,
        Key: { applicationId },
        UpdateExpression: 'DELETE keyIds :removed',
        ConditionExpression: 'attribute_exists(kind)',
        ExpressionAttributeValues: { ':removed': new Set([keyId]) },
      },
    },
  ]);

/** Stores when a key was last used, at most once an hour. A failure does not fail the request. */
async function noteUse(store: KeyStore, { keyId, lastUsedAt }: Item, now: number): Promise<void> {
  if (lastUsedAt !== undefined && now - lastUsedAt < lastUsedEverySeconds) return;
  await store.client
    .send(
      new UpdateCommand({
        TableName: store.keysTable,
        Key: { keyId },
        UpdateExpression: 'SET lastUsedAt = :now',
        // Does not bring back a key that was removed meanwhile, and lets one of several concurrent requests write.
        ConditionExpression:
          lastUsedAt === undefined
            ? 'attribute_exists(keyId) AND attribute_not_exists(lastUsedAt)'
            : 'lastUsedAt = :seen',
        ExpressionAttributeValues: { ':now': now, ...(lastUsedAt === undefined ? {} : { ':seen': lastUsedAt }) },
      }),
    )
    .catch(() => {});
}

const toView = ({ keyId, createdAt, expiresAt, lastUsedAt }: Item): KeyView => ({
  id: keyId,
  createdAt: toTimestamp(createdAt * 1000),
  expiresAt: expiresAt === undefined ? null : toTimestamp(expiresAt * 1000),
  lastUsedAt: lastUsedAt === undefined ? null : toTimestamp(lastUsedAt * 1000),
});
