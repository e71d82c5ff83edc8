import { setTimeout as sleep } from 'node:timers/promises';
import type { Sql } from 'postgres';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { run as publishJob } from '../../functions/jobs/publish-events.ts';
import type { StoredEvent } from '../../lib/contract/events/define-event.ts';
import { type EventBus, publishEvents } from '../../lib/events/publish.ts';
import { stopwatch, systemClock } from '../../lib/kernel/clock.ts';
import { newId } from '../../lib/kernel/ids.ts';
import { createDatabase, type TestDatabase } from '../support/postgres.ts';
import { poolOptions } from '../support/saga.ts';

let database: TestDatabase;
let owner: Sql;
let publisher: Sql;

beforeAll(async () => {
  database = await createDatabase();
  owner = database.connect('migrator', { ...poolOptions, max: 4 }) as unknown as Sql;
  publisher = database.connect('publisher', { ...poolOptions, max: 4 }) as unknown as Sql;
});
afterAll(async () => {
  await Promise.all([owner?.end(), publisher?.end()]);
  await database?.drop();
});
beforeEach(() => owner`delete from outbox.events`);

const orderId = () => newId('order', systemClock);

async function write(aggregateId: string, sequence: number, id = newId('event', systemClock)): Promise<string> {
  await owner`
    insert into outbox.events (id, type, schema_version, subject, aggregate_id, sequence, occurrence, data, occurred_at)
    values (${id}, 'order.placed', 1, ${aggregateId}, ${aggregateId}, ${sequence}, ${sequence}, '{"a":1}', ${new Date(0)})`;
  return id;
}

function collector({ refuses = () => false }: { refuses?: (event: StoredEvent) => boolean } = {}) {
  const got: StoredEvent[] = [];
  const bus: EventBus = {
    async put(events) {
      const taken = events.filter((event) => !refuses(event));
      got.push(...taken);
      return new Set(taken.map(({ id }) => id));
    },
  };
  return { got, bus };
}

const publish = (bus: EventBus, over: object = {}) =>
  publishEvents({
    sql: publisher,
    bus,
    clock: systemClock,
    stopwatch,
    limitMs: 60_000,
    onRefused: () => {},
    ...over,
  });

test('the read models are woken when something is published, at most each 400 ms, and once a minute in any case', async () => {
  let elapsed = 0;
  const woken: [number, object?][] = [];
  const run = (at: number, events = 0) => {
    elapsed = at;
    return (async () => {
      for (let n = 0; n < events; n++) await write(orderId(), 1);
      await publishJob({
        ...{ sql: () => publisher, bus: collector().bus, clock: systemClock, limitMs: 60_000, onRefused: () => {} },
        ...{ stopwatch: { elapsed: () => elapsed }, meter: { count() {} } },
        wakeReadModels: async (detail) => void woken.push(detail === undefined ? [at] : [at, detail]),
      });
    })();
  };
  await run(0, 1);
  await run(300, 1);
  await run(450, 1);
  await run(60_000);
  await run(61_000);
  await run(121_000);
  // Soon after a run that was woken for nothing and looks once.
  await run(121_200, 1);
  const published = { published: true };
  expect(woken).toEqual([[0, published], [450, published], [61_000], [121_000], [121_200, published]]);
});

describe('publishing', () => {
  test('hands over every event with its envelope, once, and marks it', async () => {
    const [a, b] = [orderId(), orderId()];
    const ids = [await write(a, 1), await write(b, 1), await write(a, 3)];
    const { got, bus } = collector();
    expect(await publish(bus)).toEqual({ published: 3, refused: 0, oldest: 0 });
    expect(got.map(({ id }) => id).toSorted()).toEqual(ids.toSorted());
    expect(got[0]).toEqual({
      id: ids[0],
      type: 'order.placed',
      version: 1,
      subject: a,
      aggregateId: a,
      sequence: 1,
      occurredAt: '1970-01-01T00:00:00.000Z',
      correlationId: null,
      causationId: null,
      data: { a: 1 },
    });
    expect(await publish(bus)).toEqual({ published: 0, refused: 0, oldest: 0 });
    expect(got).toHaveLength(3);
  });

  test('sends what the bus refused again, and meanwhile nothing that comes after it', async () => {
    const [a, b] = [orderId(), orderId()];
    for (const sequence of [1, 2, 3]) await write(a, sequence);
    for (const sequence of [1, 2]) await write(b, sequence);
    let refusing = true;
    const { got, bus } = collector({ refuses: (event) => refusing && event.aggregateId === a });
    const first = await publish(bus);
    expect(first).toMatchObject({ published: 2 });
    expect(first.refused).toBeGreaterThan(0);
    expect(first.oldest).toBeGreaterThan(1_000_000);
    expect(got.map((event) => event.aggregateId)).toEqual([b, b]);
    refusing = false;
    await publish(bus);
    expect(got.slice(2).map(({ sequence }) => sequence)).toEqual([1, 2, 3]);
  });

  test('keeps the sequence when ids say otherwise: clocks of functions differ', async () => {
    const a = orderId();
    const [early, late] = [newId('event', { now: () => 1 }), newId('event', { now: () => 2 })];
    await write(a, 1, late);
    await write(a, 2, early);
    const { got, bus } = collector();
    await publish(bus);
    expect(got.map(({ sequence }) => sequence)).toEqual([1, 2]);
  });

  test('goes on after a bus that fails and a publisher that dies, and loses nothing', async () => {
    const a = orderId();
    await write(a, 1);
    const failing: EventBus = { put: () => Promise.reject(new Error('away')) };
    await expect(publish(failing)).rejects.toThrow('away');
    const { got, bus } = collector();
    await publish(bus);
    expect(got).toHaveLength(1);
  });

  test('by several publishers at once, with refusals and writers, keeps each sequence and misses nothing', async () => {
    const orders = Array.from({ length: 40 }, orderId);
    let writing = true;
    const writer = async (mine: string[]) => {
      for (let sequence = 1; sequence <= 5; sequence++) for (const id of mine) await write(id, sequence);
    };
    let calls = 0;
    const seen = new Map<string, number[]>();
    const bus: EventBus = {
      async put(events) {
        await sleep(calls % 3);
        const taken = events.filter(() => ++calls % 7 !== 0);
        for (const { aggregateId, sequence } of taken) {
          seen.set(aggregateId, [...(seen.get(aggregateId) ?? []), sequence]);
        }
        return new Set(taken.map(({ id }) => id));
      },
    };
    const publisherLoop = async () => {
      for (;;) {
        const last = !writing;
        const { published, refused } = await publish(bus);
        if (last && published + refused === 0) return;
      }
    };
    const publishers = [1, 2, 3].map(publisherLoop);
    await Promise.all([writer(orders.slice(0, 20)), writer(orders.slice(20))]);
    writing = false;
    await Promise.all(publishers);
    for (const id of orders) expect(seen.get(id), id).toEqual([1, 2, 3, 4, 5]);
  });
});
