import { setTimeout as sleep } from 'node:timers/promises';
import { cancellationReasons, type DocumentClient, isBusy } from './document-client.dynamo.ts';

/*
 * Calls of DynamoDB that take many items. It may leave a part of a batch undone when it is busy, so each call is repeated
 * until nothing is left.
 */

/** What DynamoDB takes in one call. */
const [mostRead, mostWritten, mostInTransaction] = [100, 25, 100];
const transactionBytes = 4 * 1024 * 1024;
/** The pauses between them add up to about two seconds. */
const mostTries = 8;

type Key = Record<string, string>;

/** The items under some keys of a table, as far as they exist, in no particular order. No key may come twice. */
export async function readAll<Item>(client: DocumentClient, table: string, keys: readonly Key[]): Promise<Item[]> {
  const items: Item[] = [];
  for (let at = 0; at < keys.length; at += mostRead) {
    let left: Key[] = keys.slice(at, at + mostRead);
    for (let tries = 1; left.length > 0; tries++) {
      const { Responses, UnprocessedKeys } = await client.batchGet({
        RequestItems: { [table]: { Keys: left, ConsistentRead: true } },
      });
      items.push(...((Responses?.[table] ?? []) as Item[]));
      left = (UnprocessedKeys?.[table]?.Keys ?? []) as Key[];
      if (left.length > 0) await pause(tries);
    }
  }
  return items;
}

/** Puts an item in a table, or deletes the item under a key. */
export type BatchWrite = { table: string } & ({ put: object } | { delete: Key });

/** Writes in any order, each on its own: after an error some are done. No two may be of the same item. */
export async function writeEach(client: DocumentClient, writes: readonly BatchWrite[]): Promise<void> {
  for (let at = 0; at < writes.length; at += mostWritten) {
    const ofTable = Map.groupBy(writes.slice(at, at + mostWritten), ({ table }) => table);
    let left = Object.fromEntries([...ofTable].map(([table, some]) => [table, some.map(toRequest)]));
    for (let tries = 1; Object.keys(left).length > 0; tries++) {
      const { UnprocessedItems } = await client.batchWrite({ RequestItems: left });
      left = (UnprocessedItems ?? {}) as typeof left;
      if (Object.keys(left).length > 0) await pause(tries);
    }
  }
}

const toRequest = (write: BatchWrite) =>
  'put' in write
    ? { PutRequest: { Item: write.put as Record<string, unknown> } }
    : { DeleteRequest: { Key: write.delete } };

/** Items that are put together or not at all, and only if the first of them does not exist. `bytes` is about their size. */
export type NewItems = { items: readonly { table: string; item: object }[]; unlessThere: string; bytes: number };

/** Puts groups of items in as few transactions as can be. A group whose first item exists is left as it is. */
export async function addAll(client: DocumentClient, groups: readonly NewItems[]): Promise<void> {
  for (const some of inTransactions(groups)) {
    let left = some;
    for (let tries = 1; left.length > 0; ) {
      const known = await tryToAdd(client, left);
      if (known === 'busy') await pause(tries++);
      else left = known.size === 0 ? [] : left.filter((group) => !known.has(group));
    }
  }
}

/** @returns the groups whose first item exists, or that the same items are just being put; in both cases nothing was put */
async function tryToAdd(client: DocumentClient, groups: readonly NewItems[]): Promise<Set<NewItems> | 'busy'> {
  const puts = groups.flatMap((group) =>
    group.items.map(({ table, item }, n) => ({ group, table, item, first: n === 0 })),
  );
  try {
    await client.transactWrite({
      TransactItems: puts.map(({ group, table, item, first }) => ({
        Put: {
          TableName: table,
          Item: item as Record<string, unknown>,
          ...(first ? { ConditionExpression: `attribute_not_exists(${group.unlessThere})` } : {}),
        },
      })),
    });
    return new Set();
  } catch (error) {
    const reasons = cancellationReasons(error);
    // Often, this transaction was sent before and got no answer in time, or somebody else sends the same.
    if (isBusy(error)) return 'busy';
    const known = puts.filter((_, n) => reasons[n]?.Code === 'ConditionalCheckFailed').map(({ group }) => group);
    if (known.length === 0) throw error;
    return new Set(known);
  }
}

function inTransactions(groups: readonly NewItems[]): NewItems[][] {
  const transactions: NewItems[][] = [];
  let [items, bytes] = [mostInTransaction, 0];
  for (const group of groups) {
    [items, bytes] = [items + group.items.length, bytes + group.bytes];
    if (items > mostInTransaction || bytes > transactionBytes) {
      transactions.push([]);
      [items, bytes] = [group.items.length, group.bytes];
    }
    transactions.at(-1)!.push(group);
  }
  return transactions;
}

/** DynamoDB asks for growing pauses when it is busy. */
async function pause(tries: number): Promise<void> {
  if (tries >= mostTries) throw new Error(`DynamoDB was too busy for a batch ${tries} times`);
  await sleep(10 * 2 ** tries * (0.5 + Math.random() / 2));
}
