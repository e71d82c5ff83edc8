import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Clock, systemClock } from '../../../lib/kernel/clock.ts';
import { ApiError } from './dynalite.ts';
import { createHttpFront } from './http-front.ts';
import { openStore } from './open-store.ts';
import { openOperations } from './operations.ts';

export { DynamoFolderCorruptError, DynamoFolderError, DynamoFolderLockedError } from './open-store.ts';

export type LocalDynamo = {
  /** For `AWS_ENDPOINT_URL_DYNAMODB`. */
  endpoint: string;
  /** Answers the requests that have arrived, then closes the port and the folder. */
  stop(): Promise<void>;
  /** How many requests each operation has had since the start, as `{ GetItem: 12 }`. */
  calls(): Record<string, number>;
  /** Whether every request resets its connection from now on: an outage. */
  cut(away: boolean): void;
  /** Deletes now every item that has expired by the clock. */
  deleteExpired(): Promise<void>;
};

/**
 * A DynamoDB on 127.0.0.1. Its data is in the folder `path`, where it survives `kill -9`, or in memory without one.
 * `port` 0 takes a free port. Expired items are deleted every `sweepEveryMs`. Throws `DynamoFolderError` when the
 * folder cannot be used.
 */
export async function startDynamo({
  path,
  port = 0,
  clock = systemClock,
  sweepEveryMs = 60_000,
}: {
  path?: string;
  port?: number;
  clock?: Clock;
  sweepEveryMs?: number;
} = {}): Promise<LocalDynamo> {
  const store = await openStore(path);
  const { handlers, sweep } = await openOperations(store, clock);
  const counts = new Map<string, number>();
  const pending = new Set<Promise<unknown>>();
  let isAway = false;

  const server = createHttpFront(
    async (operation, input) => {
      const handle = handlers.get(operation);
      if (!handle) throw new ApiError('UnknownOperationException', `The local DynamoDB does not support ${operation}.`);
      counts.set(operation, (counts.get(operation) ?? 0) + 1);
      return tracked(handle(input));
    },
    () => isAway,
  );
  await listen(server, port).catch(async (error) => {
    await store.db.close();
    throw error;
  });

  let sweeping: Promise<void> | undefined;
  const sweepOnce = () => {
    sweeping ??= tracked(sweep()).finally(() => {
      sweeping = undefined;
    });
    return sweeping;
  };
  const timer = setInterval(() => {
    sweepOnce().catch((error) => console.error(`The local DynamoDB could not delete expired items: ${error}`));
  }, sweepEveryMs).unref();

  let stopped: Promise<void> | undefined;
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls: () => Object.fromEntries(counts),
    cut(away) {
      isAway = away;
    },
    async deleteExpired() {
      // A sweep that is running may have passed items that have expired since.
      await sweeping?.catch(() => {});
      await sweepOnce();
    },
    stop: () => (stopped ??= stop()),
  };

  async function stop(): Promise<void> {
    clearInterval(timer);
    const closed = once(server, 'close');
    server.close();
    while (pending.size) await Promise.allSettled(pending);
    // Lets the last answers reach their sockets.
    await new Promise(setImmediate);
    server.closeAllConnections();
    await closed;
    await store.db.close();
  }

  async function tracked<Result>(work: Promise<Result>): Promise<Result> {
    pending.add(work);
    try {
      return await work;
    } finally {
      pending.delete(work);
    }
  }
}

async function listen(server: Server, port: number): Promise<void> {
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
}
