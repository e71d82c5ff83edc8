import { type BatchWrite, writeEach } from '../../database/batches.dynamo.ts';
import { type DeliveryItem, queueItemOf, queueKey } from './deliveries.dynamo.ts';
import type { WebhookStore } from './endpoints.dynamo.ts';

/** Writes what came of attempts, those that end about together in one call. */
export type OutcomeWriter = {
  /**
   * Writes a delivery as it is after an attempt, and what queues it if it still waits. Resolves when few enough are unwritten:
   * a sender that dies sends those again.
   * @param queuedAs the key that it was queued under
   */
  save(item: DeliveryItem, queuedAs: string): Promise<void>;
  /** Takes a key off the queue that is not its delivery's, and queues the delivery under its own if it waits. */
  repair(item: DeliveryItem | undefined, endpointId: string, queuedAs: string): Promise<void>;
  /** Resolves when everything is written. */
  end(): Promise<void>;
};

/** Attempts whose outcome is unwritten, and attempts of one call: with what they take off the queue they fill it. */
const [mostUnwritten, mostOfCall] = [5, 12];

/**
 * A writer for one sender. A key leaves the queue in the call after the one that wrote its delivery, so whatever call is the
 * last, nothing that waits is lost: what is queued twice or in vain is put right by the next sender.
 */
export function outcomeWriter({ client, deliveries, queue }: WebhookStore): OutcomeWriter {
  const waiting: { puts: BatchWrite[]; drop: BatchWrite }[] = [];
  let drops: BatchWrite[] = [];
  let writing: Promise<void> | undefined;
  let failure: { reason: unknown } | undefined;

  async function write(): Promise<void> {
    while (waiting.length > 0) {
      const some = waiting.splice(0, mostOfCall);
      const writes = [...some.flatMap(({ puts }) => puts), ...drops];
      drops = some.map(({ drop }) => drop);
      await writeEach(client, eachOnce(writes));
    }
  }

  async function add(puts: BatchWrite[], drop: BatchWrite): Promise<void> {
    if (failure !== undefined) throw failure.reason;
    waiting.push({ puts, drop });
    writing ??= write()
      .catch((reason: unknown) => {
        failure = { reason };
      })
      .finally(() => {
        writing = undefined;
      });
    if (waiting.length >= mostUnwritten) await writing;
  }

  const dropOf = (endpointId: string, key: string): BatchWrite => ({ table: queue, delete: queueKey(endpointId, key) });
  const queued = (item: DeliveryItem): BatchWrite[] =>
    item.status === 'pending' ? [{ table: queue, put: queueItemOf(item) }] : [];
  return {
    save: (item, queuedAs) =>
      add([{ table: deliveries, put: item }, ...queued(item)], dropOf(item.endpointId, queuedAs)),
    repair: (item, endpointId, queuedAs) => add(item === undefined ? [] : queued(item), dropOf(endpointId, queuedAs)),
    async end() {
      while (writing !== undefined) await writing;
      if (failure !== undefined) throw failure.reason;
      await writeEach(client, eachOnce(drops.splice(0)));
    },
  };
}

/** DynamoDB refuses a call that has an item twice. The last write of an item counts. */
function eachOnce(writes: readonly BatchWrite[]): BatchWrite[] {
  return [...new Map(writes.map((write) => [keyOf(write), write])).values()];
}

function keyOf(write: BatchWrite): string {
  const { endpointId, deliveryId, due } = ('put' in write ? write.put : write.delete) as Record<string, string>;
  return `${write.table} ${endpointId} ${due ?? deliveryId}`;
}
