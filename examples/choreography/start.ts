import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import postgres, { type Sql } from 'postgres';
import { patternOf } from '../../infra/events.ts';
import { type Bus, startBus } from '../../infra/local/bus/start.ts';
import { startPostgres } from '../../infra/local/postgres/start.ts';
import { type Clock, systemClock } from '../../lib/kernel/clock.ts';
import { newId } from '../../lib/kernel/ids.ts';
import type { Placed } from './events.ts';
import * as orders from './orders.ts';
import * as payments from './payments.ts';
import { Provider } from './provider.ts';
import { startPublisher } from './publish.ts';
import * as stock from './stock.ts';
import { findStuck, type Stuck } from './stuck.ts';

/** One delivery of an event to a room. */
export type Delivery = { room: string; type: string; orderId: string };

export type Choreography = {
  /** Puts a product with so many units on sale. */
  newProduct(units: number): Promise<string>;
  place(order: Omit<Placed, 'orderId'>): Promise<string>;
  status(orderId: string): Promise<string>;
  /** Orders that have not ended after so many seconds. */
  findStuck(olderThanSeconds: number): Promise<Stuck[]>;
  /** Puts the events of an order on the bus once more. */
  republish(orderId: string): Promise<number>;
  provider: Provider;
  bus: Bus;
  /** The whole database, for whoever checks it. */
  owner: Sql;
  stop(): Promise<void>;
};

type Options = {
  /** Holds the database and the bus. */
  directory: string;
  /** Stands before each delivery: it may look, wait, repeat `next` or leave it out. */
  deliver?: (delivery: Delivery, next: () => Promise<unknown>) => Promise<unknown>;
  clock?: Clock;
};

const busName = 'choreography';

/** Starts the three rooms on this machine: each with its login role, and nothing between them but the bus. */
export async function startChoreography({
  directory,
  deliver = (_, next) => next(),
  clock = systemClock,
}: Options): Promise<Choreography> {
  await using parts = new AsyncDisposableStack();
  const opened = await openRooms(directory, clock);
  parts.defer(opened.stop);
  const { owner, deps } = opened;
  const rooms = [
    { consumer: orders.consumer, handler: orders.handlerOf(deps.orders) },
    { consumer: payments.consumer, handler: payments.handlerOf(deps.payments) },
    { consumer: stock.consumer, handler: stock.handlerOf(deps.stock) },
  ];
  let poke = () => {};
  const bus = await startBus({
    name: busName,
    file: join(directory, 'events.sqlite'),
    firstPauseMs: 100,
    rules: rooms.map(({ consumer, handler }) => ({
      name: consumer.name,
      pattern: patternOf(consumer),
      atOnce: consumer.atOnce,
      deliver: async (event) => {
        const { type, aggregateId: orderId } = (event as { detail: { type: string; aggregateId: string } }).detail;
        await deliver({ room: consumer.name, type, orderId }, () => handler(event));
        poke();
      },
    })),
  });
  parts.defer(() => bus.stop());
  const client = new EventBridgeClient({
    region: 'eu-west-1',
    endpoint: bus.endpoint,
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  });
  parts.defer(() => client.destroy());
  const publisher = startPublisher({ sql: opened.publisherSql, client, busName });
  parts.defer(() => publisher.stop());
  poke = publisher.poke;

  const running = parts.move();
  return {
    newProduct: opened.newProduct,
    async place(order) {
      const orderId = await orders.place(deps.orders, order);
      poke();
      return orderId;
    },
    async status(orderId) {
      const [order] = await deps.orders.sql`select status from orders.orders where id = ${orderId}`;
      return String(order?.status);
    },
    findStuck: (olderThanSeconds) => findStuck(deps.orders, olderThanSeconds),
    republish: publisher.again,
    provider: deps.payments.provider,
    bus,
    owner,
    stop: () => running.disposeAsync(),
  };
}

/** The database of the rooms, and what each of them needs to work. */
export async function openRooms(directory: string, clock: Clock = systemClock) {
  await using parts = new AsyncDisposableStack();
  await mkdir(directory, { recursive: true });
  const server = await startPostgres({ dataDir: join(directory, 'postgres') });
  parts.defer(() => server.stop());
  const connect = (user: string): Sql => {
    const sql = postgres({
      path: server.socketPath,
      user,
      database: 'counterfoil',
      max: 5,
      fetch_types: false,
      transform: { column: { from: postgres.toCamel } },
      onnotice: () => {},
    });
    parts.defer(() => sql.end({ timeout: 1 }));
    return sql;
  };
  const owner = connect('rdsadmin');
  if (server.firstRun) await owner.unsafe(await readFile(new URL('schema.sql', import.meta.url), 'utf8'));
  const deps = {
    orders: { sql: connect('room_orders'), clock },
    payments: { sql: connect('room_payments'), clock, provider: new Provider() },
    stock: { sql: connect('room_stock'), clock },
  };
  const publisherSql = connect('room_publisher');
  const opened = parts.move();
  return {
    owner,
    deps,
    publisherSql,
    async newProduct(units: number): Promise<string> {
      const id = newId('product', clock);
      await owner`insert into stock.levels (product_id, available) values (${id}, ${units})`;
      return id;
    },
    stop: () => opened.disposeAsync(),
  };
}
