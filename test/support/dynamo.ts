import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocument, GetCommand, ScanCommand } from '@aws-sdk/lib-dynamodb';
import { startDynamo } from '../../infra/local/dynamo/start.ts';
import { createTables, type TableSpec } from '../../infra/local/dynamo/tables.ts';
import { startJudgedDynamo } from './dynamo-judge.ts';
import { judgeOf } from './judges.ts';

export type TestDynamo = {
  /** For `AWS_ENDPOINT_URL_DYNAMODB` or a client of the test's own. */
  endpoint: string;
  client: DynamoDBClient;
  documents: DynamoDBDocument;
  calls(): Record<string, number>;
  deleteExpired(): Promise<void>;
  /**
   * Outage: connections are accepted and bytes are held, but nothing answers. Requests that a client cancels never
   * arrive.
   */
  pause(): void;
  /** Outage: every connection is reset at once, also the open ones. */
  refuse(): void;
  /** Outage: requests are executed, but no answer comes back. */
  mute(): void;
  /** Ends an outage: the held bytes are sent. */
  resume(): Promise<void>;
  stop(): Promise<void>;
};

/** The longest time-out of a timer. */
const never = 2 ** 31 - 1;

/**
 * An in-memory DynamoDB with these tables, clients for it, and outages. It keeps expired items until a test asks it to
 * delete them: most tests have a clock of their own, far behind the machine's.
 */
export async function startTestDynamo(
  tables: TableSpec[],
  options: Omit<NonNullable<Parameters<typeof startDynamo>[0]>, 'port'> = {},
): Promise<TestDynamo> {
  const judge = judgeOf('dynamodb');
  const dynamo =
    judge === undefined
      ? await startDynamo({ sweepEveryMs: never, ...options })
      : await startJudgedDynamo(judge, options);
  const relay = await startRelay(Number(new URL(dynamo.endpoint).port));
  const client = testDynamoClient(relay.endpoint);
  await createTables(client, tables);
  return {
    ...relay,
    client,
    documents: DynamoDBDocument.from(client),
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

type Send = DynamoDBDocument['send'];

/** A client whose calls are answered by `answer`, whatever they are. */
export const documentsThat = (
  answer: (command: { input: never; constructor: { name: string } }, options?: object) => unknown,
): DynamoDBDocument =>
  Object.create(DynamoDBDocument.prototype, { send: { value: answer as unknown as Send } }) as DynamoDBDocument;

/** A client that records everything that is read through it. */
export function watchReads(documents: DynamoDBDocument) {
  const reads: object[] = [];
  const send = (command: Parameters<DynamoDBDocument['send']>[0]) => {
    if (command instanceof GetCommand || command instanceof ScanCommand) reads.push(command.input);
    return documents.send(command);
  };
  return { client: Object.create(documents, { send: { value: send } }) as DynamoDBDocument, reads };
}

/** A TCP relay to `port` that can hold bytes or reset connections. */
export async function startRelay(port: number) {
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
      // Lets the relay notice clients that have just disconnected before it sends anything.
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

/** Relays bytes while `isOpen`, and returns a function that sends the bytes held meanwhile. */
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
