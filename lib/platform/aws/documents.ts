import { randomUUID } from 'node:crypto';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import type { DocumentClient } from '../../database/document-client.dynamo.ts';
import type { AwsCall } from './caller.ts';

/** DynamoDB with items as objects, over a caller. Binary values are not in it: no table has any. */
export function documentClient(call: AwsCall): DocumentClient {
  const of =
    (operation: string) =>
    async <Output>(input: object, options?: { abortSignal?: AbortSignal }): Promise<Output> =>
      toDocuments(await call<object>(operation, toValues(input), options)) as Output;
  const transactWrite = of('TransactWriteItems');
  return {
    get: of('GetItem'),
    put: of('PutItem'),
    update: of('UpdateItem'),
    delete: of('DeleteItem'),
    query: of('Query'),
    scan: of('Scan'),
    batchGet: of('BatchGetItem'),
    batchWrite: of('BatchWriteItem'),
    // By the token DynamoDB knows a transaction that it has done already.
    transactWrite: (input, options) => transactWrite({ ClientRequestToken: randomUUID(), ...input }, options),
  };
}

type Values = Parameters<typeof unmarshall>[0];
type Names = Record<string, unknown>;

/** Where requests and answers have an item or a part of one, and where they have lists of them. */
const items = new Set([
  'Item',
  'Key',
  'Attributes',
  'ExpressionAttributeValues',
  'ExclusiveStartKey',
  'LastEvaluatedKey',
]);
const lists = new Set(['Items', 'Keys']);
/** Where they have parts of requests, which have items in turn. */
const parts = new Set(['RequestItems', 'TransactItems', 'UnprocessedKeys', 'UnprocessedItems']);

const toValues = (input: object): object =>
  convert(input, (item) => marshall(item as Names, { removeUndefinedValues: true }));

function toDocuments(output: object): object {
  const { Responses, ...rest } = convert(output, (item) => unmarshall(item as Values)) as Names;
  if (Responses === undefined) return rest;
  const tables = Object.entries(Responses as Record<string, Values[]>);
  return {
    ...rest,
    Responses: Object.fromEntries(tables.map(([table, found]) => [table, found.map((item) => unmarshall(item))])),
  };
}

/** Converts the items of a request or an answer, and leaves everything else. */
function convert(from: object, toOther: (item: unknown) => unknown, within = false): object {
  if (Array.isArray(from))
    return from.map((each) => (typeof each === 'object' ? convert(each, toOther, within) : each));
  const converted: Names = {};
  for (const [name, value] of Object.entries(from)) {
    if (value === undefined) continue;
    if (items.has(name)) converted[name] = toOther(value);
    else if (lists.has(name)) converted[name] = (value as unknown[]).map(toOther);
    else if (parts.has(name) || (within && typeof value === 'object'))
      converted[name] = convert(value as object, toOther, true);
    else converted[name] = value;
  }
  return converted;
}
