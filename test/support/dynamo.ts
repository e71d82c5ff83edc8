import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, GetCommand, ScanCommand } from '@aws-sdk/lib-dynamodb';
import { startDynamo } from '../../infra/local/dynamo/start.ts';
import { createTables, type TableSpec } from '../../infra/local/dynamo/tables.ts';

export type TestDynamo = {
  /** For `AWS_ENDPOINT_URL_DYNAMODB` or a client of the test's own. */
  endpoint: string;
  client: DynamoDBClient;
  documents: DynamoDBDocumentClient;
  calls(): Record<string, number>;
  deleteExpired(): Promise<void>;
  /** Outage: connections are taken and bytes held, nothing answers. What a client gave up on never arrives. */
  pause(): void;
  /** Outage: every connection is reset at once, the open ones too. */
  refuse(): void;
  /** Outage: what is asked for is done, and no answer comes back. */
  mute(): void;
  /** Ends an outage: what was held goes on its way. */
  resume(): Promise<void>;
  stop(): Promise<void>;
};

/** The longest that a timer can wait. */
const never = 2 ** 31 - 1;

/**
 * An in-memory DynamoDB with these tables, clients for it, and a way to take it away for a while. What has expired
 * stays until it is told to delete it, for most tests have a time of their own, long before that of the machine.
 */
export async function startTestDynamo(
  tables: TableSpec[],
  options: Omit<NonNullable<Parameters<typeof startDynamo>[0]>, 'port'> = {},
): Promise<TestDynamo> {
  const dynamo = await startDynamo({ sweepEveryMs: never, ...options });
  const relay = await startRelay(Number(new URL(dynamo.endpoint).port));
  const client = testDynamoClient(relay.endpoint);
  await createTables(client, tables);
  return {
    ...relay,
    client,
    documents: DynamoDBDocumentClient.from(client),
    calls: dynamo.calls,
    deleteExpired: dynamo.deleteExpired,
    async stop() {
      client.destroy();
      await relay.stop();
      await dynamo.stop();
    },
  };
}

/** A client with made-up credentials for a DynamoDB on this machine. */
export function testDynamoClient(endpoint: string): DynamoDBClient {
  return new DynamoDBClient({
    endpoint,
    region: 'eu-west-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });
}

/** A client that notes everything that is read through it. */
export function watchReads(documents: DynamoDBDocumentClient) {
  const reads: object[] = [];
  const send = (command: Parameters<DynamoDBDocumentClient['send']>[0]) => {
    if (command instanceof GetCommand || command instanceof ScanCommand) reads.push(command.input);
    return documents.send(command);
  };
  return { client: Object.create(documents, { send: { value: send } }) as DynamoDBDocumentClient, reads };
}

/** A TCP relay to `port` that can hold its bytes back or refuse to carry any. */
async function startRelay(port: number) {
  let mode: 'open' | 'paused' | 'mute' | 'refusing' = 'open';
  const clients = new Set<Socket>();
  const flushes = new Set<() => void>();

  const server = createServer((client) => {
    if (mode === 'refusing') {
      client.resetAndDestroy();
      return;
    }
    const upstream = connect(port, '127.0.0.1');
    const flush = carryBetween(client, upstream, (to) => mode === 'open' || (mode === 'mute' && to === upstream));
    clients.add(client);
    flushes.add(flush);
    client.on('close', () => {
      clients.delete(client);
      flushes.delete(flush);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');

  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    pause() {
      mode = 'paused';
    },
    mute() {
      mode = 'mute';
    },
    refuse() {
      mode = 'refusing';
      for (const client of clients) client.resetAndDestroy();
    },
    async resume() {
      // whoever hung up a moment ago must be known to have done so before anything is sent on
      for (let turn = 0; turn < 3; turn++) await new Promise(setImmediate);
      mode = 'open';
      for (const flush of flushes) flush();
    },
    async stop() {
      const closed = once(server, 'close');
      server.close();
      for (const client of clients) client.destroy();
      await closed;
    },
  };
}

/** Carries bytes to where `isOpen` lets them, and returns what sends on the bytes held meanwhile. */
function carryBetween(client: Socket, upstream: Socket, isOpen: (to: Socket) => boolean): () => void {
  const held: { to: Socket; chunk: Buffer }[] = [];
  const ways = [
    [client, upstream],
    [upstream, client],
  ] as const;
  for (const [from, to] of ways) {
    from.setNoDelay(true);
    from.on('data', (chunk) => (isOpen(to) ? to.write(chunk) : held.push({ to, chunk })));
    from.on('end', () => from.destroy());
    from.on('error', () => {});
    from.on('close', () => {
      held.length = 0;
      to.destroy();
    });
  }
  return () => {
    for (const { to, chunk } of held.splice(0)) to.write(chunk);
  };
}
