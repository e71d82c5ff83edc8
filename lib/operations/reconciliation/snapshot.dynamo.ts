import { readAll } from '../../database/batches.dynamo.ts';
import type { DocumentClient } from '../../database/document-client.dynamo.ts';
import { type Clock, toEpochSeconds } from '../../kernel/clock.ts';
import type { ProviderCharge } from '../../shop/payments/gateway.ts';

/** Table with the partition key `day` and the sort key `reference`. */
export type SnapshotStore = { client: DocumentClient; table: string; clock: Clock };

/** A charge as the snapshot has it; `seenAt` is when it was first seen as it is now, in milliseconds since the epoch. */
export type SnapshotCharge = ProviderCharge & { seenAt: number };

/** What a complete copy covers: the charges made from `from` to `to`, none of them older than `startedAt` tells. */
export type ProviderSnapshot = { provider: string; from: number; to: number; startedAt: number; completedAt: number };

/** How far a copy has come that is not complete. */
export type Progress = Omit<ProviderSnapshot, 'completedAt'> & { list: 'charges' | 'refunded'; cursor?: string };

type Key = { day: string; reference: string };
type Item = Key & SnapshotCharge & { expiresAt: number };

const keepSeconds = 90 * 24 * 3600;
/** In the partition of older charges only those stand of which money went back lately. */
const keepOlderSeconds = 10 * 24 * 3600;
const older = 'older';
const complete: Key = { day: 'meta', reference: 'snapshot' };
const underWay: Key = { day: 'meta', reference: 'progress' };

/** The UTC day, such as `2026-11-21`, under which a charge of this time is kept. */
export const dayOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10);

/** Every UTC day from one time to another. */
export function daysBetween(from: number, to: number): string[] {
  const days: string[] = [];
  for (let at = from; dayOf(at) < dayOf(to); at += 24 * 3600_000) days.push(dayOf(at));
  return [...days, dayOf(to)];
}

/** What the last complete copy covers; undefined before the first. */
export const readSnapshot = (store: SnapshotStore): Promise<ProviderSnapshot | undefined> =>
  readMeta<ProviderSnapshot>(store, complete);

export const readProgress = (store: SnapshotStore): Promise<Progress | undefined> =>
  readMeta<Progress>(store, underWay);

export async function saveProgress({ client, table }: SnapshotStore, progress: Progress): Promise<void> {
  await client.put({ TableName: table, Item: { ...underWay, ...progress } });
}

/** Records that a copy is complete: only from here on may anybody draw conclusions from what is not in it. */
export async function finishSnapshot({ client, table }: SnapshotStore, snapshot: ProviderSnapshot): Promise<void> {
  await client.put({ TableName: table, Item: { ...complete, ...snapshot } });
  await client.delete({ TableName: table, Key: underWay });
}

/**
 * Writes a page of charges, and of them only what is new or has changed. Those made before `from` are kept under their
 * own day and, so that they are found without it, among the older ones.
 * @returns how many were written
 */
export async function saveSnapshotPage(store: SnapshotStore, charges: ProviderCharge[], from: number): Promise<number> {
  const keys = (charge: ProviderCharge): Key[] => {
    const own = { day: dayOf(charge.createdAt), reference: charge.reference };
    return charge.createdAt < from ? [own, { ...own, day: older }] : [own];
  };
  const wanted = new Map(
    charges.flatMap((charge) => keys(charge).map((key) => [textOf(key), { key, charge }] as const)),
  );
  const known = await readItems(
    store,
    [...wanted.values()].map(({ key }) => key),
  );
  const changed = [...wanted].filter(([text, { charge }]) => !isSame(known.get(text), charge));
  const seenAt = store.clock.now();
  for (let at = 0; at < changed.length; at += 25) {
    const writes = changed.slice(at, at + 25).map(([, { key, charge }]) => {
      const keep = key.day === older ? keepOlderSeconds : keepSeconds;
      const item: Item = { ...charge, ...key, seenAt, expiresAt: toEpochSeconds(seenAt) + keep };
      return store.client.put({ TableName: store.table, Item: item });
    });
    await Promise.all(writes);
  }
  return changed.length;
}

/**
 * A page of the charges in the snapshot that were made within a window, and of the older ones that changed within it.
 * @param after the `next` of the page before; empty for the first
 * @returns `next`, undefined after the last page
 */
export async function readWindow(
  store: SnapshotStore,
  { from, to }: Pick<ProviderSnapshot, 'from' | 'to'>,
  { after, limit }: { after: string; limit: number },
): Promise<{ charges: SnapshotCharge[]; next: string | undefined }> {
  const partitions = [...daysBetween(from, to), older];
  const [reached, reference] = after.split(' ');
  // A window that has moved on since begins with its first day.
  const day = partitions.find((each) => each >= reached!)!;
  const page = await store.client.query({
    TableName: store.table,
    KeyConditionExpression: '#day = :day',
    ExpressionAttributeNames: { '#day': 'day' },
    ExpressionAttributeValues: { ':day': day },
    ExclusiveStartKey: day === reached && reference ? { day, reference } : undefined,
    Limit: limit,
  });
  const charges = ((page.Items ?? []) as Item[])
    .map(toCharge)
    .filter(({ createdAt, seenAt }) =>
      day === older ? createdAt < from && seenAt >= from : createdAt >= from && createdAt < to,
    );
  const last = page.LastEvaluatedKey as Key | undefined;
  const next = last === undefined ? partitions[partitions.indexOf(day) + 1] : textOf(last);
  return { charges, next };
}

/** The charges in the snapshot under these references, each made on one of the days that come with it, by reference. */
export async function findInSnapshot(
  store: SnapshotStore,
  wanted: readonly { reference: string; days: readonly string[] }[],
): Promise<Map<string, SnapshotCharge>> {
  const keys = wanted.flatMap(({ reference, days }) => days.map((day) => ({ day, reference })));
  const items = await readItems(store, keys);
  return new Map([...items.values()].map((item) => [item.reference, toCharge(item)]));
}

async function readItems({ client, table }: SnapshotStore, keys: readonly Key[]): Promise<Map<string, Item>> {
  const items = await readAll<Item>(client, table, [...new Map(keys.map((key) => [textOf(key), key])).values()]);
  return new Map(items.map((item) => [textOf(item), item]));
}

async function readMeta<T>({ client, table }: SnapshotStore, Key: Key): Promise<T | undefined> {
  const { Item: item } = await client.get({ TableName: table, Key, ConsistentRead: true });
  if (item === undefined) return undefined;
  const { day: _, reference: __, ...rest } = item;
  return rest as T;
}

const textOf = ({ day, reference }: Key): string => `${day} ${reference}`;

const toCharge = ({ day: _, expiresAt: __, ...charge }: Item): SnapshotCharge => charge;

const compared = ['orderId', 'status', 'amount', 'refundedAmount', 'currency', 'createdAt'] as const;

const isSame = (item: Item | undefined, charge: ProviderCharge): boolean =>
  item !== undefined && compared.every((name) => item[name] === charge[name]);
