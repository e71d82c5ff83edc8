import { randomBytes } from 'node:crypto';
import { type KeyView, maxKeys } from '../../contract/api/applications.ts';
import { Problem } from '../../contract/api/problems.ts';
import { toEpochSeconds, toTimestamp } from '../../kernel/clock.ts';
import { DependencyUnavailable } from '../../kernel/errors.ts';
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
  /** The key that made it; absent for one that was made by hand. */
  createdBy?: string;
  /** Of a key that a request with an idempotency key made: what makes its secret again, and what was asked for. */
  salt?: string;
  fingerprint?: string;
};

/**
 * How a request with an idempotency key makes a key: its id, the request's fingerprint, and its secret, which only that
 * request can make from the salt that is stored.
 */
export type KeyDerivation = { id: string; fingerprint: string; secretOf: (salt: Buffer) => Buffer };

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
  const item = await readKey(store, parsed.id);
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
  {
    expiresAt = store.clock.now() + defaultKeySeconds * 1000,
    createdBy,
    derived,
  }: { expiresAt?: number | null | undefined; createdBy?: string; derived?: KeyDerivation } = {},
): Promise<KeyView & { key: string }> {
  const keyId = derived?.id ?? newId('appKey', store.clock);
  const salt = randomBytes(32);
  const { bearer, hash } = mintBearer('appKey', keyId, derived?.secretOf(salt));
  const item: Item = {
    keyId,
    applicationId,
    secretHash: hash,
    createdAt: toEpochSeconds(store.clock.now()),
    ...(expiresAt === null ? {} : { expiresAt: toEpochSeconds(expiresAt) }),
    ...(createdBy === undefined ? {} : { createdBy }),
    ...(derived === undefined ? {} : { salt: salt.toString('base64url'), fingerprint: derived.fingerprint }),
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
 * The key that a request made under its idempotency key, also when it was removed meanwhile.
 * @returns undefined when it has made none
 * @throws Problem idempotency-key-reused for another request, or by another credential; DependencyUnavailable
 */
export async function replayKey(
  store: KeyStore,
  keyId: string,
  { fingerprint, secretOf }: Omit<KeyDerivation, 'id'>,
): Promise<(KeyView & { key: string }) | undefined> {
  const item = await readKey(store, keyId);
  if (item === undefined) return undefined;
  const { bearer, hash } = mintBearer('appKey', keyId, secretOf(Buffer.from(item.salt ?? '', 'base64url')));
  if (item.fingerprint !== fingerprint) {
    throw new Problem('idempotency-key-reused', 'This Idempotency-Key was used to create a different key.');
  }
  if (!sameHash(item.secretHash, hash)) {
    throw new Problem('idempotency-key-reused', 'This Idempotency-Key was used with another credential.');
  }
  return { ...toView(item), lastUsedAt: null, key: bearer };
}

async function readKey({ client, keysTable }: KeyStore, keyId: string): Promise<Item | undefined> {
  const { Item: item } = await orUnavailable(
    client.get({ TableName: keysTable, Key: { keyId }, ConsistentRead: true }),
  );
  return item as Item | undefined;
}

/**
 * The keys of an application, newest first, including expired ones.
 * @throws DependencyUnavailable
 */
export async function listKeys(store: KeyStore, { keyIds }: Pick<ApplicationItem, 'keyIds'>): Promise<KeyView[]> {
  if (keyIds === undefined || keyIds.size === 0) return [];
  const keys = [...keyIds].map((keyId) => ({ keyId }));
  const answer = await orUnavailable(
    store.client.batchGet({ RequestItems: { [store.keysTable]: { Keys: keys, ConsistentRead: true } } }),
  );
  if (Object.keys(answer.UnprocessedKeys ?? {}).length > 0) throw new DependencyUnavailable('sessions');
  const items = (answer.Responses?.[store.keysTable] ?? []) as Item[];
  return items.sort((a, b) => b.createdAt - a.createdAt || (a.keyId < b.keyId ? 1 : -1)).map(toView);
}

/**
 * Removes a key. It stops working with its next request.
 * @returns whether the application had such a key
 * @throws DependencyUnavailable
 */
export async function removeKey(store: ApplicationStore, applicationId: string, keyId: string): Promise<boolean> {
  const { applicationId: _, ...item } = (await readKey(store, keyId)) ?? { keyId };
  const ofApplication = {
    TableName: store.keysTable,
    ConditionExpression: 'applicationId = :application',
    ExpressionAttributeValues: { ':application': applicationId },
  };
  return writeAll(store.client, [
    // What was answered under an idempotency key stays, without the application: a repeat makes no new key.
    !('fingerprint' in item)
      ? { Delete: { ...ofApplication, Key: { keyId } } }
      : { Put: { ...ofApplication, Item: { ...item, removedAt: store.clock.now() } } },
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
}

/** Stores when a key was last used, at most once an hour. A failure does not fail the request. */
async function noteUse(store: KeyStore, { keyId, lastUsedAt }: Item, now: number): Promise<void> {
  if (lastUsedAt !== undefined && now - lastUsedAt < lastUsedEverySeconds) return;
  await store.client
    .update({
      TableName: store.keysTable,
      Key: { keyId },
      UpdateExpression: 'SET lastUsedAt = :now',
      // Does not bring back a key that was removed meanwhile, and lets one of several concurrent requests write.
      ConditionExpression:
        lastUsedAt === undefined
          ? 'attribute_exists(keyId) AND attribute_not_exists(lastUsedAt)'
          : 'lastUsedAt = :seen',
      ExpressionAttributeValues: { ':now': now, ...(lastUsedAt === undefined ? {} : { ':seen': lastUsedAt }) },
    })
    .catch(() => {});
}

const toView = ({ keyId, createdAt, expiresAt, lastUsedAt, createdBy }: Item): KeyView => ({
  id: keyId,
  createdAt: toTimestamp(createdAt * 1000),
  expiresAt: expiresAt === undefined ? null : toTimestamp(expiresAt * 1000),
  lastUsedAt: lastUsedAt === undefined ? null : toTimestamp(lastUsedAt * 1000),
  createdBy: createdBy ?? null,
});
