import { type EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import type { Sql } from 'postgres';
import { source } from './events.ts';

export type Publisher = {
  /** Something may have been written. */
  poke(): void;
  /** Puts the events of an order on the bus once more. @returns how many */
  again(orderId: string): Promise<number>;
  stop(): Promise<void>;
};

type Options = { sql: Sql; client: EventBridgeClient; busName: string };

/** As many as EventBridge takes in a call. */
const batch = 10;

/** Takes events from the outbox to the bus, each at least once: when it is poked, and each second what a crash has left. */
export function startPublisher(options: Options): Publisher {
  const { sql } = options;
  let [running, again, stopped] = [Promise.resolve(), false, false];
  const poke = () => {
    if (again || stopped) return;
    again = true;
    running = running.then(async () => {
      again = false;
      while (!stopped && (await publish(options)) > 0);
    });
    running = running.catch(() => {}); // The bus or the database is away: the next second tries again.
  };
  const timer = setInterval(poke, 1000);
  return {
    poke,
    async again(orderId) {
      const { count } = await sql`update outbox.events set published_at = null where order_id = ${orderId}`;
      poke();
      return count;
    },
    async stop() {
      stopped = true;
      clearInterval(timer);
      await running;
    },
  };
}

/** One batch. @returns how many events the bus has taken */
const publish = ({ sql, client, busName }: Options): Promise<number> =>
  sql.begin(async (tx) => {
    const events = await tx`
      select id, type, order_id, sequence, data, occurred_at from outbox.events
      where published_at is null order by id limit ${batch} for update skip locked`;
    if (events.length === 0) return 0;
    const { Entries = [] } = await client.send(
      new PutEventsCommand({
        Entries: events.map(({ id, type, orderId, sequence, data, occurredAt }) => ({
          EventBusName: busName,
          Source: source,
          DetailType: type,
          Resources: [orderId],
          Detail: JSON.stringify({
            id,
            type,
            version: 1,
            subject: orderId,
            aggregateId: orderId,
            sequence,
            occurredAt: occurredAt.toISOString(),
            correlationId: null,
            causationId: null,
            data,
          }),
        })),
      }),
    );
    const taken = events.filter((_, n) => Entries[n]?.EventId !== undefined).map(({ id }) => id);
    await tx`update outbox.events set published_at = now() where id = any (string_to_array(${taken.join(',')}, ','))`;
    return taken.length;
  });
