import type { Sql } from 'postgres';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { feedEvent } from '../../lib/contract/api/events.ts';
import { readFeed } from '../../lib/events/feed.sql.ts';
import { systemClock } from '../../lib/kernel/clock.ts';
import { newId } from '../../lib/kernel/ids.ts';
import { poolOptions } from '../support/handlers.ts';
import { createDatabase, type TestDatabase, testPostgres } from '../support/postgres.ts';

let database: TestDatabase;
let owner: Sql;
/** Two readers, each with a connection of its own. */
let reader: Sql;
let other: Sql;

beforeAll(async () => {
  testPostgres();
  database = await createDatabase();
  [owner, reader, other] = ['migrator', 'events_api', 'events_api'].map((role) =>
    database.connect(role as 'migrator', poolOptions),
  ) as unknown as [Sql, Sql, Sql];
});
afterAll(async () => {
  await Promise.all([owner.end(), reader.end(), other.end()]);
  await database.drop();
});
afterEach(() => owner`truncate outbox.events`);

const order = () => newId('order', systemClock);
const at = (milliseconds: number) => newId('event', { now: () => Date.now() + milliseconds });

/** Writes an event of an order, as its transition does. `later` is how wrong the clock of its writer is. */
async function write(
  sql: Pick<Sql, 'unsafe'> | Sql,
  orderId: string,
  sequence: number,
  { later = 0, type = 'order.cancelled' } = {},
) {
  const id = at(later);
  const data = { orderId, number: 'CF-10001', customerId: `cus_${'1'.repeat(32)}`, contact: null };
  await (sql as Sql)`
    insert into outbox.events (id, type, schema_version, subject, aggregate_id, sequence, occurrence, data, occurred_at)
    values (${id}, ${type}, 1, ${orderId}, ${orderId}, ${sequence}, ${sequence}, ${JSON.stringify(data)}::text::jsonb, now())`;
  return id;
}
const idsIn = ({ data }: Awaited<ReturnType<typeof readFeed>>) => data.map(({ id }) => id);
const all = { after: 0, limit: 1000 };

describe('the feed', () => {
  test('shows events as the contract says, from any place, the same each time', async () => {
    const written: string[] = [];
    for (let n = 1; n <= 5; n++) written.push(await write(owner, order(), n));
    const page = await readFeed(reader, all);
    expect(idsIn(page)).toEqual(written);
    expect(page.data.map(({ position }) => position)).toEqual([1, 2, 3, 4, 5]);
    for (const event of page.data) expect(feedEvent.parse(event)).toEqual(event);
    expect(page).toMatchObject({ next: 5, hasMore: false });
    expect(await readFeed(other, all)).toEqual(page);
    expect(idsIn(await readFeed(reader, { after: 3, limit: 10 }))).toEqual(written.slice(3));
    expect(await readFeed(reader, { after: 5, limit: 10 })).toEqual({ data: [], next: 5, hasMore: false });
    const first = await readFeed(reader, { after: 0, limit: 2 });
    expect(first).toMatchObject({ next: 2, hasMore: true });
  });

  test('filtered by a type passes over the others once', async () => {
    const id = order();
    await write(owner, id, 1, { type: 'order.placed' });
    const cancelled = await write(owner, id, 2);
    await write(owner, id, 3, { type: 'order.placed' });
    const page = await readFeed(reader, { ...all, type: 'order.cancelled' });
    expect({ ids: idsIn(page), next: page.next }).toEqual({ ids: [cancelled], next: 3 });
  });

  test('loses no event that is committed late, and puts it behind what was read', async () => {
    const late = order();
    let id = '';
    const slow = Promise.withResolvers<void>();
    const written = Promise.withResolvers<void>();
    const open = owner.begin(async (tx) => {
      id = await write(tx, late, 1);
      written.resolve();
      await slow.promise;
    });
    await written.promise;
    const early = await write(other as Sql, order(), 1).catch(() => write(owner, order(), 1));
    const before = await readFeed(reader, all);
    expect(idsIn(before)).toEqual([early]);
    slow.resolve();
    await open;
    expect(idsIn(await readFeed(reader, { after: before.next, limit: 10 }))).toEqual([id]);
  });

  test('keeps the events of an order in sequence, whatever the clocks of their writers said', async () => {
    const [one, two] = [order(), order()];
    const first = await write(owner, one, 1, { later: 60_000 });
    const between = await write(owner, two, 1);
    const second = await write(owner, one, 2, { later: -60_000 });
    const third = await write(owner, one, 5);
    const ids = idsIn(await readFeed(reader, all));
    expect(ids.filter((id) => id !== between)).toEqual([first, second, third]);
    const fourth = await write(owner, one, 6, { later: -3_600_000 });
    expect(idsIn(await readFeed(reader, { after: 4, limit: 10 }))).toEqual([fourth]);
  });

  test('gives each event one place, without gaps, however many read and write at once', async () => {
    const orders = Array.from({ length: 20 }, order);
    const seen = new Map<Sql, string[]>([
      [reader, []],
      [other, []],
    ]);
    let writing = true;
    const follow = async (sql: Sql) => {
      for (let after = 0; ; ) {
        const last = !writing;
        const page = await readFeed(sql, { after, limit: 7 });
        seen.get(sql)!.push(...idsIn(page));
        after = page.next;
        if (last && page.data.length === 0) return;
      }
    };
    const readers = [follow(reader), follow(other)];
    await Promise.all(
      orders.map(async (id) => {
        for (let n = 1; n <= 15; n++) await write(owner, id, n, { later: Math.round(Math.random() * 2000 - 1000) });
      }),
    );
    writing = false;
    await Promise.all(readers);
    const [mine, theirs] = [...seen.values()];
    expect(mine).toHaveLength(300);
    expect(theirs).toEqual(mine);
    const places = await owner<{ position: number; aggregateId: string; sequence: number }[]>`
      select position, aggregate_id, sequence from outbox.events order by position`;
    expect(places.map(({ position }) => position)).toEqual(Array.from({ length: 300 }, (_, n) => n + 1));
    for (const id of orders) {
      const sequences = places.filter(({ aggregateId }) => aggregateId === id).map(({ sequence }) => sequence);
      expect(sequences).toEqual(Array.from({ length: 15 }, (_, n) => n + 1));
    }
  });

  test('catches up in pieces when nobody has read for long', async () => {
    await owner`
      insert into outbox.events (id, type, schema_version, subject, aggregate_id, sequence, data, occurred_at)
      select 'evt_' || lpad(to_hex(n), 32, '0'), 'order.cancelled', 1, o, o, 1, '{}', now()
      from generate_series(1, 2500) n, lateral (select 'ord_' || lpad(to_hex(n), 32, '0') as o) made`;
    const sizes: number[] = [];
    const more: boolean[] = [];
    for (let after = 0; ; ) {
      const page = await readFeed(reader, { after, limit: 1000 });
      if (page.data.length === 0) break;
      sizes.push(page.data.length);
      more.push(page.hasMore);
      after = page.next;
    }
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(2500);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(1000);
    expect(more.lastIndexOf(true)).toBe(more.length - 2);
  });
});
