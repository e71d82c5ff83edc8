import { TransactionCanceledException, TransactionInProgressException } from '@aws-sdk/client-dynamodb';
import { expect, test } from 'vitest';
import { addAll, type NewItems, readAll, writeEach } from '../../lib/database/batches.dynamo.ts';
import { documentsThat } from '../support/dynamo.ts';

type Input = { RequestItems: Record<string, unknown>; TransactItems: { Put: { Item: { id: string } } }[] };

/** A client that answers each call by what the last one asked. */
const clientOf = (answer: (input: Input) => object) => documentsThat(async ({ input }) => answer(input));

const keys = (count: number) => Array.from({ length: count }, (_, n) => ({ id: String(n) }));

test('what a busy DynamoDB leaves of a read is read again', async () => {
  const asked: number[] = [];
  const client = clientOf(({ RequestItems }) => {
    const { Keys } = RequestItems.things as { Keys: { id: string }[] };
    asked.push(Keys.length);
    const [done, left] = [Keys.slice(0, 60), Keys.slice(60)];
    return { Responses: { things: done }, UnprocessedKeys: left.length === 0 ? {} : { things: { Keys: left } } };
  });
  expect(await readAll(client, 'things', keys(130))).toHaveLength(130);
  expect(asked).toEqual([100, 40, 30]);
});

test('what a busy DynamoDB leaves of a write is written again, of every table', async () => {
  const written: unknown[] = [];
  const calls: number[] = [];
  const client = clientOf(({ RequestItems }) => {
    const all = Object.entries(RequestItems).flatMap(([table, some]) =>
      (some as unknown[]).map((each) => ({ table, each })),
    );
    calls.push(all.length);
    const [done, left] = [all.slice(0, 10), all.slice(10)];
    written.push(...done);
    const byTable = Map.groupBy(left, ({ table }) => table);
    const UnprocessedItems = Object.fromEntries(
      [...byTable].map(([table, some]) => [table, some.map(({ each }) => each)]),
    );
    return { UnprocessedItems };
  });
  await writeEach(client, [
    ...keys(20).map((put) => ({ table: 'things', put })),
    ...keys(10).map((key) => ({ table: 'others', delete: key })),
  ]);
  expect(written).toHaveLength(30);
  expect(calls).toEqual([25, 15, 5, 5]);
});

test('a write of which something is left again and again fails', async () => {
  const stuck = clientOf(({ RequestItems }) => ({ UnprocessedItems: RequestItems }));
  await expect(writeEach(stuck, [{ table: 'things', put: { id: '1' } }])).rejects.toThrow('too busy for a batch');
}, 60_000);

const group = (id: string, bytes = 10): NewItems => ({
  items: [
    { table: 'things', item: { id } },
    { table: 'others', item: { id } },
  ],
  unlessThere: 'id',
  bytes,
});

test('new items go in as few transactions as DynamoDB takes', async () => {
  const transactions: number[] = [];
  const client = clientOf(({ TransactItems }) => {
    transactions.push(TransactItems.length);
    return {};
  });
  await addAll(
    client,
    keys(120).map(({ id }) => group(id)),
  );
  expect(transactions.splice(0)).toEqual([100, 100, 40]);
  await addAll(
    client,
    keys(5).map(({ id }) => group(id, 1_500_000)),
  );
  expect(transactions.splice(0)).toEqual([4, 4, 2]);
  await addAll(client, []);
  expect(transactions).toEqual([]);
});

test('those that are there already are left out, and another refusal is passed on', async () => {
  const there = new Set(['1', '3']);
  const stored: string[][] = [];
  let refusal = 'ConditionalCheckFailed';
  const client = clientOf(({ TransactItems }) => {
    const ids = TransactItems.map(({ Put }) => Put.Item.id);
    const reasons = ids.map((id, n) => ({ Code: n % 2 === 0 && there.has(id) ? refusal : 'None' }));
    if (reasons.some(({ Code }) => Code !== 'None')) {
      throw new TransactionCanceledException({ message: 'no', $metadata: {}, CancellationReasons: reasons });
    }
    stored.push(ids);
    return {};
  });
  const groups = keys(5).map(({ id }) => group(id));
  await addAll(client, groups);
  expect(stored).toEqual([['0', '0', '2', '2', '4', '4']]);
  refusal = 'ValidationError';
  await expect(addAll(client, groups)).rejects.toThrow(TransactionCanceledException);
});

test.each([
  new TransactionInProgressException({ message: 'wait', $metadata: {} }),
  new TransactionCanceledException({
    message: 'no',
    $metadata: {},
    CancellationReasons: [{ Code: 'TransactionConflict' }],
  }),
  new TransactionCanceledException({
    message: 'no',
    $metadata: {},
    CancellationReasons: [{ Code: 'None' }, { Code: 'ThrottlingError' }],
  }),
])('new items that are just being put, or come too fast, are tried again: %s', async (error) => {
  let calls = 0;
  const client = clientOf(() => {
    calls += 1;
    if (calls < 3) throw error;
    return {};
  });
  await addAll(client, [group('1')]);
  expect(calls).toBe(3);
});
