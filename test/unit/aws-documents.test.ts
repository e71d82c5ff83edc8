import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocument } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { DocumentClient } from '../../lib/database/document-client.dynamo.ts';
import { awsCaller } from '../../lib/platform/aws/caller.ts';
import { documentClient } from '../../lib/platform/aws/documents.ts';
import { startTestDynamo, type TestDynamo } from '../support/dynamo.ts';

let dynamo: TestDynamo;
let ours: DocumentClient;
let theirs: DocumentClient;
beforeAll(async () => {
  dynamo = await startTestDynamo([
    { name: 'things', partitionKey: 'shelf', sortKey: 'at' },
    { name: 'others', partitionKey: 'shelf', sortKey: 'at' },
  ]);
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
  ours = documentClient(
    awsCaller({
      region: 'eu-west-1',
      service: 'dynamodb',
      target: 'DynamoDB_20120810',
      jsonVersion: '1.0',
      endpoint: dynamo.endpoint,
      credentials: async () => credentials,
      attempts: 2,
      timeouts: { connectMs: 60_000, answerMs: 60_000 },
    }),
  );
  const sdk = new DynamoDBClient({ endpoint: dynamo.endpoint, region: 'eu-west-1', credentials });
  theirs = DynamoDBDocument.from(sdk, { marshallOptions: { removeUndefinedValues: true } });
});
afterAll(() => dynamo?.stop());

const item = {
  shelf: 'a',
  at: '1',
  text: 'Grüße, 🍏 "quoted"',
  empty: '',
  whole: 42,
  part: -0.125,
  big: 1_790_000_000_123,
  yes: true,
  nothing: null,
  left: undefined,
  list: [1, 'two', { Item: { three: [3] } }],
  Key: { Item: 'an attribute that is called like a part of a request' },
  Items: [],
  tags: new Set(['x', 'y']),
  numbers: new Set([1, 2]),
};

/** Every operation in the forms that stores use, with what each answers. */
async function useEverything(client: DocumentClient, shelf: string): Promise<object[]> {
  const at = (n: number) => ({ shelf, at: String(n) });
  const answers: object[] = [];
  const keep = async (answer: Promise<object>) => {
    const { $metadata: _, ...rest } = (await answer) as { $metadata?: object };
    answers.push(rest);
  };
  const TableName = 'things';
  await keep(client.put({ TableName, Item: { ...item, ...at(1) } }));
  await keep(client.get({ TableName, Key: at(1), ConsistentRead: true }));
  await keep(client.get({ TableName, Key: at(9) }));
  await keep(
    client.update({
      TableName,
      Key: at(1),
      UpdateExpression: 'SET #whole = #whole + :one ADD tags :more REMOVE #list',
      ConditionExpression: 'attribute_exists(shelf) AND yes = :yes',
      ExpressionAttributeNames: { '#whole': 'whole', '#list': 'list' },
      ExpressionAttributeValues: { ':one': 1, ':more': new Set(['z']), ':yes': true },
      ReturnValues: 'ALL_NEW',
    }),
  );
  await keep(
    client.batchWrite({
      RequestItems: {
        things: [{ PutRequest: { Item: { ...at(2), Keys: ['k'] } } }, { PutRequest: { Item: at(3) } }],
        others: [{ PutRequest: { Item: { ...at(1), n: 1 } } }],
      },
    }),
  );
  await keep(client.batchWrite({ RequestItems: { things: [{ DeleteRequest: { Key: at(3) } }] } }));
  await keep(
    client.transactWrite({
      TransactItems: [
        { Put: { TableName, Item: { ...at(4), n: 4 }, ConditionExpression: 'attribute_not_exists(shelf)' } },
        {
          Update: {
            TableName: 'others',
            Key: at(1),
            UpdateExpression: 'SET n = :n',
            ExpressionAttributeValues: { ':n': 2 },
          },
        },
        { Delete: { TableName, Key: at(2) } },
      ],
    }),
  );
  const ofShelf = { KeyConditionExpression: 'shelf = :shelf', ExpressionAttributeValues: { ':shelf': shelf } };
  await keep(client.query({ TableName, ...ofShelf, Limit: 1 }));
  await keep(client.query({ TableName, ...ofShelf, ExclusiveStartKey: at(1) }));
  await keep(client.query({ TableName, ...ofShelf, Select: 'COUNT' }));
  await keep(
    client.scan({
      TableName,
      FilterExpression: '#n = :n',
      ...{ ExpressionAttributeNames: { '#n': 'n' } },
      ExpressionAttributeValues: { ':n': 4 },
    }),
  );
  await keep(
    client.batchGet({ RequestItems: { things: { Keys: [at(1)], ConsistentRead: true }, others: { Keys: [at(1)] } } }),
  );
  await keep(client.delete({ TableName, Key: at(1), ReturnValues: 'ALL_OLD' }));
  await keep(client.delete({ TableName, Key: at(4) }));
  await keep(client.delete({ TableName: 'others', Key: at(1) }));
  return answers;
}

test('every operation answers as the SDK’s document client does', async () => {
  const expected = await useEverything(theirs, 'a');
  expect(await useEverything(ours, 'a')).toEqual(expected);
  expect(expected[1]).toMatchObject({ Item: { tags: item.tags, Key: item.Key, big: item.big } });
});

test('a refused write has the name and the item that the SDK gives, and a cancelled transaction its reasons', async () => {
  await ours.put({ TableName: 'things', Item: { shelf: 'b', at: '1', n: 1 } });
  const refusals = (client: DocumentClient) =>
    Promise.all([
      client
        .put({
          TableName: 'things',
          Item: { shelf: 'b', at: '1' },
          ConditionExpression: 'attribute_not_exists(shelf)',
          ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
        })
        .catch(({ name, $fault, Item }) => ({ name, $fault, Item })),
      client
        .transactWrite({
          TransactItems: [
            {
              Put: {
                TableName: 'things',
                Item: { shelf: 'b', at: '1' },
                ConditionExpression: 'attribute_not_exists(shelf)',
              },
            },
          ],
        })
        .catch(({ name, $fault, CancellationReasons }) => ({
          name,
          $fault,
          codes: CancellationReasons.map(({ Code }: { Code: string }) => Code),
        })),
      client.get({ TableName: 'nothing', Key: { shelf: 'b' } }).catch(({ name, $fault }) => ({ name, $fault })),
    ]);
  expect(await refusals(ours)).toEqual(await refusals(theirs));
});

test('a transaction whose answer is lost is known again by its token, and done once', async () => {
  const key = { shelf: 'c', at: '1' };
  const sent: object[] = [];
  const counted = documentClient((operation, input) => {
    sent.push({ operation, ...input });
    return Promise.resolve({} as never);
  });
  const TransactItems = [{ Put: { TableName: 'things', Item: key } }];
  await counted.transactWrite({ TransactItems });
  await counted.transactWrite({ TransactItems });
  const tokens = sent.map((each) => (each as { ClientRequestToken?: string }).ClientRequestToken);
  expect(new Set(tokens).size).toBe(2);
  expect(tokens[0]).toMatch(/^[0-9a-f-]{36}$/);
});
