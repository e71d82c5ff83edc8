import type { Context } from 'aws-lambda';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type EventDefinition, eventSource } from '../../lib/contract/events/define-event.ts';
import {
  orderCancelled,
  orderConfirmed,
  orderFailed,
  orderPlaced,
  orderShipped,
  orderUnitsCancelled,
  refundSucceeded,
} from '../../lib/contract/events/domain-events.ts';
import { systemClock } from '../../lib/kernel/clock.ts';
import { newId } from '../../lib/kernel/ids.ts';
import { type LiveHandlers, openLiveHandlers } from '../support/live-handlers.ts';
import { mailsSentTo } from '../support/mailbox.ts';

let handlers: LiveHandlers;
let customerId: string;
const email = 'ada@example.com';
const erased = newId('customer', systemClock);

beforeAll(async () => {
  handlers = await openLiveHandlers();
  await handlers.call('sign-up', { body: { email, password: 'correct horse', name: 'Ada' } });
  const [customer] = await handlers.owner`select id from customers.customers where email = ${email}`;
  customerId = customer!.id;
  await handlers.owner`
    insert into read_models.customers (customer_id, sequence, email, name, premium)
    values (${customerId}, 1, ${email}, 'Ada', false), (${erased}, 2, null, null, false)`;
});
afterAll(() => handlers?.close());

/** An event as EventBridge delivers it. */
const delivered = (
  definition: EventDefinition,
  { version = definition.version, data = {}, ...rest }: Partial<Record<string, unknown>> & { data?: object } = {},
) => ({
  version: '0',
  id: 'x',
  'detail-type': definition.type,
  source: eventSource,
  detail: {
    id: newId('event', systemClock),
    type: definition.type,
    version,
    subject: 'ord_0197f3a1c0de7a1b8c2d3e4f5a6b7c8d',
    aggregateId: 'ord_0197f3a1c0de7a1b8c2d3e4f5a6b7c8d',
    sequence: 4,
    occurredAt: '2026-11-29T12:00:00.000Z',
    correlationId: null,
    causationId: null,
    data: { ...(definition.example as object), customerId, ...data },
    ...rest,
  },
});

async function consume(event: unknown) {
  const { handler } = await import('../../functions/consumers/mail-order-news.ts');
  return await handler(event, {} as Context);
}

describe('a customer', () => {
  test.each([
    [orderConfirmed, 'Your order is confirmed', 'You paid EUR 34.20.'],
    [orderFailed, 'Your order could not be completed', 'Your payment was declined. No money is kept.'],
    [orderCancelled, 'Your order is cancelled', 'was cancelled as you asked'],
    [orderShipped, 'Your order is on its way', 'Tracking number: 00340434161094021501'],
    [orderUnitsCancelled, 'A part of your order is cancelled', 'What you pay is less by EUR 17.10'],
    [refundSucceeded, 'A refund is on its way', 'We have refunded EUR 5.00'],
  ] as const)('gets one mail about %o, however often the event comes', async (definition, subject, text) => {
    const event = delivered(definition);
    expect(await consume(event)).toEqual({ outcome: 'mail written' });
    expect(await consume(event)).toEqual({ outcome: 'nothing to write' });
    const mails = (await mailsSentTo(handlers.owner, email)).filter((mail) => mail.subject === subject);
    expect(mails).toHaveLength(1);
    expect(mails[0]!.text).toContain(text);
    expect(mails[0]!.text).toContain('CF-10042');
    expect(await consume(event), 'after it was sent').toEqual({ outcome: 'nothing to write' });
  });

  test('who is erased gets none', async () => {
    expect(await consume(delivered(orderConfirmed, { data: { customerId: erased } }))).toEqual({
      outcome: 'nothing to write',
    });
  });

  test('whose event has not come yet gets theirs when the bus brings the event again', async () => {
    const late = newId('customer', systemClock);
    const event = delivered(orderConfirmed, { data: { customerId: late } });
    await expect(consume(event)).rejects.toThrow('no event of customer');
    await handlers.owner`
      insert into read_models.customers (customer_id, sequence, email, name, premium)
      values (${late}, 1, 'late@example.com', 'Late', false)`;
    expect(await consume(event)).toEqual({ outcome: 'mail written' });
  });
});

describe('a guest', () => {
  test('gets the mail at the address of the order, and none without one', async () => {
    const contact = { email: 'guest@example.com' };
    const event = delivered(orderConfirmed, { data: { customerId: null, contact } });
    expect(await consume(event)).toEqual({ outcome: 'mail written' });
    expect(await consume(event)).toEqual({ outcome: 'nothing to write' });
    expect(await mailsSentTo(handlers.owner, contact.email)).toHaveLength(1);
    const erasedGuest = delivered(orderConfirmed, { data: { customerId: null, contact: null } });
    expect(await consume(erasedGuest)).toEqual({ outcome: 'nothing to write' });
  });
});

describe('an event', () => {
  test.each([
    ['of a version that is not known', () => delivered(orderConfirmed, { version: 2 })],
    ['of another type', () => delivered(orderPlaced)],
    ['with a field that its schema does not have', () => delivered(orderConfirmed, { data: { extra: 1 } })],
    ['without its customer', () => delivered(orderConfirmed, { data: { customerId: undefined } })],
    ['that is none', () => ({ detail: null })],
  ])('%s is refused, so that it is kept and not dropped', async (_, event) => {
    await expect(consume(event())).rejects.toThrow();
  });
});
