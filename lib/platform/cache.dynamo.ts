import { randomBytes } from 'node:crypto';
import { type DocumentClient, isConditionFailed } from '../database/document-client.dynamo.ts';
import type { CachePointers } from '../kernel/cache-changes.ts';
import { type CacheKey, type CacheStore, cacheLimits, type Seen } from '../kernel/cache-store.ts';
import { type Clock, toEpochSeconds } from '../kernel/clock.ts';
import { DependencyUnavailable } from '../kernel/errors.ts';

export type CacheTable = { client: DocumentClient; table: string; clock: Clock; timeoutMs?: number };

/**
 * How long a mark lasts if nobody ends it, in milliseconds. A change must be over by then: a function that changes products
 * runs for ten seconds at most, and a statement for five.
 */
const markMs = 60_000;
/** How long a pointer is kept after its last change, in milliseconds: longer than any entry of an older epoch. */
const pointerMs = 24 * cacheLimits.stale;

/** A reader that waits longer for a call reads the source, in milliseconds. Tests on a busy machine wait longer. */
export const cacheTimeouts = { call: 500 };

/*
 * The table has two kinds of items. A pointer counts its epochs, and holds the marks of those who change what it stands for,
 * each with its end. An entry holds the epoch that it is of, and the lease of the process that loads it.
 */
const pointerItem = ({ pointer }: Pick<CacheKey, 'pointer'>) => ({ key: `pointer#${pointer}` });
const entryItem = ({ entry }: Pick<CacheKey, 'entry'>) => ({ key: `entry#${entry}` });

/** What readers do. Each call rejects when DynamoDB does not answer in time. */
export function cacheStore({ client, table, clock, timeoutMs }: CacheTable): CacheStore {
  const inTime = () => ({ abortSignal: AbortSignal.timeout(timeoutMs ?? cacheTimeouts.call) });

  /** Updates an entry. False when the condition does not hold. */
  async function update(key: CacheKey, expressions: object, values: Record<string, unknown>): Promise<boolean> {
    const input = {
      TableName: table,
      Key: entryItem(key),
      ...expressions,
      ExpressionAttributeValues: values,
    };
    try {
      await client.update(input, inTime());
      return true;
    } catch (error) {
      if (isConditionFailed(error)) return false;
      throw error;
    }
  }

  return {
    async look(key, what) {
      const pointer = pointerItem(key);
      if (!what.entry) {
        const input = { TableName: table, Key: pointer, ConsistentRead: true };
        return toSeen((await client.get(input, inTime())).Item, clock.now());
      }
      const input = { RequestItems: { [table]: { Keys: [pointer, entryItem(key)], ConsistentRead: true } } };
      const { Responses, UnprocessedKeys } = await client.batchGet(input, inTime());
      if (Object.keys(UnprocessedKeys ?? {}).length > 0) throw new Error('DynamoDB left a read of the cache out');
      const items = Responses?.[table] ?? [];
      const itemOf = ({ key: wanted }: { key: string }) => items.find((item) => item.key === wanted);
      const seen = toSeen(itemOf(pointer), clock.now());
      return { ...seen, ...toEntry(itemOf(entryItem(key)), seen.epoch, clock.now()) };
    },

    async lease(key, epoch, loadedAt) {
      const now = clock.now();
      const lease = randomBytes(9).toString('base64url');
      const taken = await update(
        key,
        {
          UpdateExpression:
            'SET lease = :lease, leaseEnds = :ends, leaseEpoch = :epoch, expiresAt = if_not_exists(expiresAt, :expires)',
          // A load of an older epoch holds nobody up.
          ConditionExpression: `(attribute_not_exists(leaseEnds) OR leaseEnds <= :now OR leaseEpoch < :epoch)
            AND ${loadedAt === undefined ? 'attribute_not_exists(loadedAt)' : 'loadedAt = :seen'}`,
        },
        {
          ':lease': lease,
          ':ends': now + cacheLimits.lease,
          ':epoch': epoch,
          ':now': now,
          ...(loadedAt === undefined ? {} : { ':seen': loadedAt }),
          ':expires': toEpochSeconds(now + cacheLimits.stale),
        },
      );
      return taken ? lease : undefined;
    },

    async fill(key, lease, { epoch, body, loadedAt, tookMs, freshMs }) {
      await update(
        key,
        {
          UpdateExpression: `SET epoch = :epoch, body = :body, loadedAt = :loadedAt, tookMs = :tookMs, freshMs = :freshMs,
            expiresAt = :expires REMOVE lease, leaseEnds, leaseEpoch`,
          ConditionExpression: 'lease = :lease',
        },
        {
          ':lease': lease,
          ':epoch': epoch,
          ':body': body ?? tooLarge,
          ':loadedAt': loadedAt,
          ':tookMs': tookMs,
          ':freshMs': freshMs,
          // Anybody can make up ids: what does not exist is not kept for an outage.
          ':expires': toEpochSeconds(loadedAt + (body === 'null' ? 2 * cacheLimits.absentFresh : cacheLimits.stale)),
        },
      );
    },

    async release(key, lease) {
      await update(
        key,
        { UpdateExpression: 'REMOVE lease, leaseEnds, leaseEpoch', ConditionExpression: 'lease = :lease' },
        { ':lease': lease },
      );
    },
  };
}

/** Instead of a body. It is no JSON. */
const tooLarge = '';

type Item = Record<string, unknown> | undefined;

function toSeen(item: Item, now: number): Seen {
  return {
    epoch: Number(item?.epoch ?? 0),
    changing: [...marksOf(item)].some((mark) => endOf(mark) > now),
  };
}

function toEntry(item: Item, current: number, now: number): Pick<Seen, 'entry' | 'leased'> {
  if (item === undefined) return { entry: undefined, leased: false };
  const leased = Number(item.leaseEnds ?? 0) > now && Number(item.leaseEpoch) >= current;
  if (item.body === undefined) return { entry: undefined, leased };
  const { epoch, body, loadedAt, tookMs, freshMs } = item as Record<string, number> & { body: string };
  const entry = {
    epoch: epoch!,
    body: body === tooLarge ? undefined : body,
    loadedAt: loadedAt!,
    tookMs: tookMs!,
    freshMs: freshMs!,
  };
  return { entry, leased };
}

const marksOf = (item: Item): Set<string> => (item?.marks as Set<string> | undefined) ?? new Set();

/** A mark carries its end, in milliseconds. */
const newMark = (now: number): string => `${now + markMs}#${randomBytes(9).toString('base64url')}`;
const endOf = (mark: string): number => Number(mark.slice(0, mark.indexOf('#')));

/** What those do who change what entries are made of. */
export function cachePointers({ client, table, clock }: CacheTable): CachePointers {
  const update = (pointer: string, expressions: object, values: Record<string, unknown>) =>
    client.update({
      TableName: table,
      Key: pointerItem({ pointer }),
      ...expressions,
      ExpressionAttributeValues: { ...values, ':expires': toEpochSeconds(clock.now() + pointerMs), ':one': 1 },
      ReturnValues: 'ALL_NEW',
    });

  return {
    async mark(pointer) {
      const mark = newMark(clock.now());
      try {
        await update(
          pointer,
          { UpdateExpression: 'SET expiresAt = :expires ADD epoch :one, marks :mark' },
          { ':mark': new Set([mark]) },
        );
      } catch (error) {
        throw new DependencyUnavailable('cache', { cause: error });
      }
      return mark;
    },

    async settle(pointer, mark, version) {
      const set = version === undefined ? '' : ', latest = :version';
      const { Attributes } = await update(
        pointer,
        {
          // Another epoch, in case that the change took longer than its mark.
          UpdateExpression: `SET expiresAt = :expires${set} ADD epoch :one${mark === undefined ? '' : ' DELETE marks :mark'}`,
        },
        {
          ...(version === undefined ? {} : { ':version': version }),
          ...(mark === undefined ? {} : { ':mark': new Set([mark]) }),
        },
      );
      // Left by processes that died.
      const over = [...marksOf(Attributes)].filter((each) => endOf(each) <= clock.now());
      if (over.length === 0) return;
      const expression = 'SET expiresAt = :expires ADD epoch :one DELETE marks :over';
      await update(pointer, { UpdateExpression: expression }, { ':over': new Set(over) });
    },

    async versionOf(pointer) {
      const input = { TableName: table, Key: pointerItem({ pointer }), ConsistentRead: true };
      const latest = (await client.get(input)).Item?.latest;
      return latest === undefined ? undefined : Number(latest);
    },

    async supersede(pointer, version) {
      try {
        await update(
          pointer,
          version === undefined
            ? { UpdateExpression: 'SET expiresAt = :expires ADD epoch :one' }
            : {
                UpdateExpression: 'SET expiresAt = :expires, latest = :version ADD epoch :one',
                ConditionExpression: 'attribute_not_exists(latest) OR latest < :version',
              },
          version === undefined ? {} : { ':version': version },
        );
      } catch (error) {
        if (!isConditionFailed(error)) throw error;
      }
    },
  };
}
