import { expect, test } from 'vitest';
import { consumers } from '../../functions/consumers.ts';
import { patternOf } from '../../infra/events.ts';
import { compilePattern } from '../../infra/local/bus/pattern.ts';
import type { StoredEvent } from '../../lib/contract/events/define-event.ts';
import { type BusEntry, eventBridge, type PutEvents } from '../../lib/events/eventbridge.gateway.ts';
import type { EndpointItem } from '../../lib/events/webhooks/endpoints.dynamo.ts';
import { wantedTypes } from '../../lib/events/webhooks/route.ts';

const event = (type: string): StoredEvent => ({
  id: `evt_${type}`,
  type,
  version: 1,
  subject: 'ord_1',
  aggregateId: 'ord_1',
  sequence: 1,
  occurredAt: '2026-11-30T12:00:00.000Z',
  correlationId: null,
  causationId: null,
  data: {},
});

/** Publishes an order's events for these endpoints. @returns the types that call each consumer, by the rules of AWS */
async function called(list: () => Promise<Pick<EndpointItem, 'status' | 'events'>[]>) {
  const sent: BusEntry[] = [];
  const putEvents: PutEvents = async (entries) => {
    sent.push(...entries);
    return { Entries: entries.map((_, n) => ({ EventId: String(n) })) };
  };
  const errors: unknown[] = [];
  const wanted = () => wantedTypes(list as () => Promise<EndpointItem[]>, (error) => errors.push(error));
  const bus = eventBridge({ putEvents, busName: 'shop', wanted, onError: (error) => errors.push(error) });
  const events = ['order.placed', 'order.confirmed', 'product.updated'].map(event);
  expect([...(await bus.put(events))]).toEqual(events.map(({ id }) => id));
  const on = (name: keyof typeof consumers) => {
    const matches = compilePattern(patternOf(consumers[name]));
    return sent
      .filter((each) => matches({ source: each.Source, 'detail-type': each.DetailType, resources: each.Resources }))
      .map(({ DetailType }) => DetailType);
  };
  return { webhooks: on('route-webhooks'), mails: on('mail-order-news'), products: on('supersede-products'), errors };
}

const others = { mails: ['order.confirmed'], products: ['product.updated'] };

test('an event that no active endpoint wants does not call the router of webhooks, and calls all others', async () => {
  expect(await called(async () => [])).toEqual({ webhooks: [], ...others, errors: [] });
  expect(await called(async () => [{ status: 'disabled', events: ['*'] }])).toEqual({
    webhooks: [],
    ...others,
    errors: [],
  });
});

test('an event that one endpoint of several wants calls the router, by its name or its beginning', async () => {
  const list = async () => [
    { status: 'active' as const, events: ['order.pl*'] },
    { status: 'active' as const, events: ['product.updated'] },
  ];
  expect(await called(list)).toEqual({ webhooks: ['order.placed', 'product.updated'], ...others, errors: [] });
});

test('every event calls the router when the endpoints cannot be read', async () => {
  const away = new Error('away');
  const { webhooks, errors } = await called(() => Promise.reject(away));
  expect(webhooks).toEqual(['order.placed', 'order.confirmed', 'product.updated']);
  expect(errors).toEqual([away]);
});
