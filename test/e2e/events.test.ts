import { describe, inject, test } from 'vitest';
import type { FeedEvent } from '../../lib/contract/api/events.ts';
import { refused, succeed } from './client.ts';
import { basket, newBuyer, newProduct, order } from './shop.ts';

const { appKey } = inject('target');

/** Where the feed ends now: what others have done before is passed over by a type that says little. */
async function endOfFeed(): Promise<number> {
  for (let after = 0; ; ) {
    const { body } = await succeed('list-events', 200, {
      token: appKey,
      query: { after, limit: 1000, type: 'order.in_review' },
    });
    if (!body.hasMore && body.next === after) return after;
    after = body.next;
  }
}

/** Follows the feed as a consumer does, until it has seen so many events of an order. */
async function follow(from: number, orderId: string, count: number): Promise<FeedEvent[]> {
  const seen: FeedEvent[] = [];
  for (let after = from; ; ) {
    const { body } = await succeed('list-events', 200, {
      token: appKey,
      query: { after, limit: 100 },
      headers: { prefer: 'wait=5' },
    });
    seen.push(...body.data.filter(({ aggregateId }) => aggregateId === orderId));
    if (seen.length >= count) return seen;
    after = body.next;
  }
}

describe('the feed of events', () => {
  test('tells of an order from placed to confirmed, in sequence, and the same again', async ({ expect }) => {
    const from = await endOfFeed();
    const buyer = await newBuyer();
    const placed = await order(buyer, basket(await newProduct()));
    const events = await follow(from, placed.id, 4);
    expect(events.map(({ type }) => type)).toEqual([
      'order.placed',
      'order.reserved',
      'payment.captured',
      'order.confirmed',
    ]);
    const sequences = events.map(({ sequence }) => sequence);
    expect(sequences).toEqual(sequences.toSorted((a, b) => a - b));
    expect(events[3]!.data).toMatchObject({ orderId: placed.id, customerId: buyer.id, total: placed.total });
    expect(JSON.stringify(events)).not.toContain(buyer.email);
    expect(await follow(from, placed.id, 4)).toEqual(events);
  });

  test('wakes a consumer that waits', async ({ expect }) => {
    const after = await endOfFeed();
    const waiting = succeed('list-events', 200, { token: appKey, query: { after }, headers: { prefer: 'wait=20' } });
    await order(await newBuyer(), basket(await newProduct()));
    expect((await waiting).body.data.length).toBeGreaterThan(0);
  });

  test('is for keys alone, and takes places that can be', async () => {
    const { token } = await newBuyer();
    await refused('list-events', 401, 'unauthenticated', { token });
    for (const query of [{ after: -1 }, { after: '1e3' }, { limit: 0 }, { limit: 1001 }, { type: 'order.exploded' }]) {
      await refused('list-events', 400, 'invalid-input', {
        token: appKey,
        query: query as Record<string, string | number>,
      });
    }
  });
});
