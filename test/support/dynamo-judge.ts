import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import {
  DeleteItemCommand,
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
  DynamoDBClient,
  ListTablesCommand,
  ScanCommand,
} from '@aws-sdk/client-dynamodb';
import type { LocalDynamo } from '../../infra/local/dynamo/start.ts';
import { type Clock, systemClock } from '../../lib/kernel/clock.ts';
import { ask, judged } from './judges.ts';

/**
 * Another DynamoDB in place of the stand-in, with an account of its own for each start. It deletes what has expired only
 * when it is asked to.
 */
export async function startJudgedDynamo(
  judge: string,
  { clock = systemClock }: { clock?: Clock },
): Promise<LocalDynamo> {
  const counts = new Map<string, number>();
  const account = String(randomInt(100_000_000_000, 281_474_976_710_655)).slice(0, 12);
  const server = createServer((request, response) => void pass(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    endpoint,
    calls: () => Object.fromEntries(counts),
    cut() {
      throw new Error('A judged DynamoDB has no outages.');
    },
    deleteExpired: () => deleteExpired(endpoint, clock),
    async stop() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };

  async function pass(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const operation = String(request.headers['x-amz-target']).split('.').at(-1)!;
    counts.set(operation, (counts.get(operation) ?? 0) + 1);
    judged(operation);
    // moto tells accounts apart by the header, DynamoDB Local by the access key.
    const authorization = request.headers.authorization?.replace(/Credential=\w+\//, `Credential=${account}/`);
    const headers = { ...request.headers, 'x-moto-account-id': account, ...(authorization ? { authorization } : {}) };
    try {
      const body = await buffer(request);
      const answer = await ask(new URL(request.url ?? '/', judge), { method: request.method ?? 'POST', headers, body });
      response.writeHead(answer.status, answer.headers).end(answer.body);
    } catch {
      response.destroy();
    }
  }
}

async function deleteExpired(endpoint: string, clock: Clock): Promise<void> {
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
  const client = new DynamoDBClient({ endpoint, region: 'eu-west-1', credentials });
  const { TableNames = [] } = await client.send(new ListTablesCommand());
  for (const TableName of TableNames) {
    const { TimeToLiveDescription } = await client.send(new DescribeTimeToLiveCommand({ TableName }));
    const attribute = TimeToLiveDescription?.AttributeName;
    if (attribute === undefined) continue;
    const { Table } = await client.send(new DescribeTableCommand({ TableName }));
    const { Items = [] } = await client.send(new ScanCommand({ TableName }));
    for (const item of Items) {
      if (!(Number(item[attribute]?.N) * 1000 < clock.now())) continue;
      const Key = Object.fromEntries(
        Table!.KeySchema!.map(({ AttributeName }) => [AttributeName, item[AttributeName!]!]),
      );
      await client.send(new DeleteItemCommand({ TableName, Key }));
    }
  }
  client.destroy();
}
