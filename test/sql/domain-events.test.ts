import type { Sql } from 'postgres';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { updateCustomer } from '../../lib/accounts/customers/customers.sql.ts';
import { emptyCustomer } from '../../lib/accounts/customers/erase.sql.ts';
import { announceCustomer } from '../../lib/accounts/customers/events.sql.ts';
import { announceRun } from '../../lib/analytics/subscriptions/runs.sql.ts';
import type { Order } from '../../lib/contract/api/orders.ts';
import { envelopeOf } from '../../lib/contract/events/define-event.ts';
import { domainEvents, reportSent } from '../../lib/contract/events/domain-events.ts';
import type { Answer } from '../../lib/database/idempotency.sql.ts';
import { inTransaction } from '../../lib/database/transaction.sql.ts';
import { type EventRow, eventColumns, toStoredEvent } from '../../lib/events/publish.sql.ts';
import { announceSuspensions } from '../../lib/events/suspensions.sql.ts';
import { systemClock } from '../../lib/kernel/clock.ts';
import { newId } from '../../lib/kernel/ids.ts';
import { endByHand } from '../../lib/operations/manual-review/resolve.sql.ts';
import { awaitPaymentAction } from '../../lib/saga/await-payment.sql.ts';
import { reopenForCapture, reviewCapture, settleCapture } from '../../lib/saga/capture.sql.ts';
import { closeCompensated, requestManualReview } from '../../lib/saga/compensate.sql.ts';
import { confirmIfReserved } from '../../lib/saga/confirm.sql.ts';
import { captureFailed } from '../../lib/saga/failures.ts';
import { reserveAllOrNothing } from '../../lib/saga/reserve.sql.ts';
import { reopenForCompensation } from '../../lib/saga/retry-compensation.sql.ts';
import { insertProduct, updateProduct } from '../../lib/shop/catalog/change.sql.ts';
import { changeFulfilment, createFulfilment, shipFulfilment } from '../../lib/shop/fulfilment/fulfilments.ts';
import { receiveReturn, rejectReturn, requestReturn } from '../../lib/shop/fulfilment/returns.ts';
import { cancelIfPossible } from '../../lib/shop/orders/cancel.sql.ts';
import { changeOrder } from '../../lib/shop/orders/change.ts';
import { insertOrder } from '../../lib/shop/orders/place.sql.ts';
import { detailsOf } from '../../lib/shop/orders/place.ts';
import { transitions } from '../../lib/shop/orders/transitions.ts';
import { claimCapture } from '../../lib/shop/payments/captures.sql.ts';
import { claimRefund } from '../../lib/shop/payments/refunds.sql.ts';
import { settleRefund } from '../../lib/shop/payments/settle-refund.sql.ts';
import { adjustStock } from '../../lib/shop/stock/ledger.sql.ts';
import { releaseWhatIsHeld } from '../../lib/shop/stock/reservations.sql.ts';
import { releaseFailed } from '../support/opening-reviews.ts';
import { poolOptions, type Saga, startSaga } from '../support/saga.ts';

let saga: Saga;
let refunds: Saga['api'];
let erasure: Saga['api'];
beforeAll(async () => {
  saga = await startSaga();
  refunds = saga.connect('refunds_api', poolOptions);
  erasure = saga.connect('customer_erasure', poolOptions);
});
afterAll(async () => {
  await Promise.all([refunds.end(), erasure.end()]);
  await saga.stop();
});

/** A time that one step of the tests happens at. */
let at = new Date();
beforeEach(() => {
  at = new Date(at.getTime() + 1000);
});

const eur = (amount: number) => ({ amount, currency: 'EUR' });
const failure = { code: 'compensated', detail: 'It could not be done.' };
const reference = (orderId: string) => ({ provider: 'simulated', reference: `ch_${orderId}` });
const ids = () => ({
  paymentId: newId('payment', saga.clock),
  eventId: newId('event', saga.clock),
  paymentEventId: newId('event', saga.clock),
});
const operator = () => ({ actionId: newId('action', saga.clock), keyId: 'key', requestId: 'req_operator', at });

/** The steps of an order, each as its handler runs it. */
const steps = {
  reserve: (orderId: string) =>
    reserveAllOrNothing(saga.saga, {
      eventId: newId('event', systemClock),
      orderId,
      at,
      expiresAt: new Date(at.getTime() + 900_000),
    }),
  await: (orderId: string) =>
    awaitPaymentAction(saga.saga, {
      orderId,
      action: { type: 'simulated', path: '/simulated-payments/1' },
      at,
    }),
  authorize: (orderId: string) =>
    confirmIfReserved(saga.saga, {
      orderId,
      ...ids(),
      ...reference(orderId),
      authorization: { expiresAt: new Date(at.getTime() + 7 * 24 * 3600_000).toISOString() },
      at,
    }),
  capture: async (orderId: string) => {
    await claimCapture(refunds, { orderId, by: 'app:key', requestId: 'req_capture', at });
    await settleCapture(saga.saga, { orderId, eventId: ids().eventId, at });
  },
  'review of the capture': (orderId: string) =>
    reviewCapture(saga.saga, {
      orderId,
      eventId: ids().eventId,
      failure: captureFailed,
      execution: 'pay_1',
      why: { error: 'CaptureRefused', message: 'card_declined', certain: true },
      at,
    }),
  'retry of the capture': (orderId: string) =>
    inTransaction(saga.manualReview, (tx) => reopenForCapture(tx, { orderId, by: 'key', requestId: 'req_retry', at })),
  'void and close': (orderId: string) =>
    closeCompensated(saga.saga, {
      orderId,
      ...ids(),
      failure,
      refund: { outcome: 'voided', ...reference(orderId), refundReference: null },
      at,
    }),
  'resolve as cancelled, voided': (orderId: string) => resolve(orderId, 'cancelled', 'voided'),
  confirm: (orderId: string) => confirmIfReserved(saga.saga, { orderId, ...ids(), ...reference(orderId), at }),
  cancel: (orderId: string) =>
    inTransaction(saga.cancellations, (tx) =>
      cancelIfPossible(tx, {
        orderId,
        customerId: saga.customerId,
        confirmedAfter: new Date(0),
        requestId: 'req_cancel',
        at,
      }),
    ),
  release: (orderId: string) => releaseWhatIsHeld(saga.saga, { orderId, at }),
  close: (orderId: string) => closeCompensated(saga.saga, { orderId, ...ids(), failure, refund: undefined, at }),
  'refund and close': (orderId: string) =>
    closeCompensated(saga.saga, {
      orderId,
      ...ids(),
      failure,
      refund: { outcome: 'refunded', ...reference(orderId), refundReference: `re_${orderId}` },
      at,
    }),
  review: (orderId: string, attempt = 0) =>
    requestManualReview(saga.saga, {
      orderId,
      eventId: ids().eventId,
      reason: 'compensation-failed',
      detail: 'It is not compensated.',
      at,
      ...releaseFailed(orderId),
      attempt,
    }),
  retry: (orderId: string) => inTransaction(saga.manualReview, (tx) => reopenForCompensation(tx, orderId, operator())),
  'review again': (orderId: string) => steps.review(orderId, 1),
  'resolve as failed': (orderId: string) => resolve(orderId, 'failed'),
  'resolve as cancelled': (orderId: string) => resolve(orderId, 'cancelled'),
};
type Step = keyof typeof steps;

const resolve = (orderId: string, outcome: 'failed' | 'cancelled', payment: 'refunded' | 'voided' = 'refunded') =>
  inTransaction(saga.manualReview, async (tx) => {
    await releaseWhatIsHeld(tx, { orderId, at });
    await endByHand(tx, {
      ...operator(),
      orderId,
      eventId: ids().eventId,
      paymentEventId: ids().paymentEventId,
      outcome,
      note: 'x',
      refundReference: undefined,
      payment,
      failure,
    });
  });

async function place({ discount = 0 } = {}): Promise<string> {
  const orderId = newId('order', saga.clock);
  const product = { productId: await saga.product(5), sku: 'TEAPOT', name: 'Teapot', quantity: 2, unitPrice: 1000 };
  const order = {
    ...detailsOf({}),
    id: orderId,
    numberPrefix: 'CF',
    placedBy: null,
    applicationId: null,
    segment: 'standard' as const,
    guestToken: null,
    eventId: ids().eventId,
    customerId: saga.customerId,
    paymentMethod: 'pm_card_visa',
    createdAt: at.getTime(),
    currency: 'EUR',
    lines: [{ ...product, total: 2000, discount, tax: 0, taxRate: null, taxClass: 'standard', weight: null }],
    subtotal: 2000,
    discount: discount === 0 ? null : { amount: discount, reason: 'premium-customer' as const },
    couponCode: null,
    shipping: null,
    tax: null,
    total: 2000 - discount,
  };
  const claim = {
    caller: `customer:${saga.customerId}`,
    key: newId('request', saga.clock),
    operation: 'place-order',
    fingerprint: 'f',
    requestId: 'req_place',
  };
  await insertOrder(saga.api, claim, order, () => ({ status: 202, headers: {}, body: '{}' }), saga.keys);
  return orderId;
}

async function refund(orderId: string, outcome: 'succeeded' | 'failed'): Promise<string> {
  const refundId = newId('refund', saga.clock);
  const request = { id: refundId, orderId, amount: 500, reason: 'broken', requestedBy: 'app:key' };
  await inTransaction(refunds, (tx) => claimRefund(tx, { ...request, requestId: 'req_refund', at }));
  const how =
    outcome === 'succeeded'
      ? ({ outcome, reference: `re_${refundId}` } as const)
      : ({ outcome, code: 'disputed' } as const);
  await settleRefund(saga.saga, { refundId, eventId: ids().eventId, at, ...how });
  return refundId;
}

async function run(orderId: string, ...names: Step[]): Promise<string> {
  for (const name of names) await steps[name](orderId);
  return orderId;
}

/** The events of an order as a consumer would read them; each must follow the schema of its type and version. */
async function eventsOf(orderId: string) {
  const rows = await saga.owner<EventRow[]>`
    select ${eventColumns(saga.owner as unknown as Sql)} from outbox.events e
    where e.aggregate_id = ${orderId} order by e.sequence`;
  return rows.map(toStoredEvent).map((event) => {
    const definition = domainEvents.find(({ type, version }) => type === event.type && version === event.version);
    if (definition === undefined) throw new Error(`${event.type} ${event.version} is not defined`);
    return envelopeOf(definition).parse(event);
  });
}

const typesOf = async (orderId: string) => (await eventsOf(orderId)).map(({ type }) => type);

const [placed, reserved, captured, confirmed, refunded, failed, cancelled, inReview] = [
  'order.placed',
  'order.reserved',
  'payment.captured',
  'order.confirmed',
  'payment.refunded',
  'order.failed',
  'order.cancelled',
  'order.in_review',
];
const paid = [placed, reserved, captured, confirmed];
const [authorized, voided] = ['payment.authorized', 'payment.voided'];
const held = [placed, reserved, authorized, confirmed];

const ways: readonly [way: string, steps: Step[], types: string[]][] = [
  ['confirmed', ['reserve', 'confirm'], paid],
  ['confirmed after its customer acted', ['reserve', 'await', 'confirm'], paid],
  ['confirmed, and captured later', ['reserve', 'authorize', 'capture'], [...held, captured]],
  [
    'cancelled before it was captured',
    ['reserve', 'authorize', 'cancel', 'release', 'void and close'],
    [...held, voided, cancelled],
  ],
  [
    'cancelled while it was captured',
    ['reserve', 'authorize', 'cancel', 'release', 'refund and close', 'capture'],
    [...held, refunded, cancelled],
  ],
  [
    'put into manual review for its capture, twice, and captured then',
    [
      'reserve',
      'authorize',
      'review of the capture',
      'retry of the capture',
      'review of the capture',
      'retry of the capture',
      'capture',
    ],
    [...held, inReview, inReview, captured],
  ],
  [
    'put into manual review for its capture and for its cancellation',
    [
      'reserve',
      'authorize',
      'review of the capture',
      'retry of the capture',
      'cancel',
      'review',
      'resolve as cancelled, voided',
    ],
    [...held, inReview, inReview, voided, cancelled],
  ],
  ['failed before it was reserved', ['release', 'close'], [placed, failed]],
  ['failed', ['reserve', 'release', 'close'], [placed, reserved, failed]],
  ['failed, its charge refunded', ['reserve', 'release', 'refund and close'], [placed, reserved, refunded, failed]],
  ['failed while its customer had to act', ['reserve', 'await', 'release', 'close'], [placed, reserved, failed]],
  ['cancelled before it was reserved', ['cancel', 'release', 'close'], [placed, cancelled]],
  ['cancelled', ['reserve', 'cancel', 'release', 'close'], [placed, reserved, cancelled]],
  [
    'cancelled while its customer had to act',
    ['reserve', 'await', 'cancel', 'release', 'close'],
    [placed, reserved, cancelled],
  ],
  [
    'cancelled after it was confirmed',
    ['reserve', 'confirm', 'cancel', 'release', 'refund and close'],
    [...paid, refunded, cancelled],
  ],
  [
    'put into manual review twice, and resolved',
    ['reserve', 'review', 'retry', 'review again', 'resolve as failed'],
    [placed, reserved, inReview, inReview, failed],
  ],
  [
    'put into manual review before it was reserved, and compensated by a retry',
    ['review', 'retry', 'release', 'close'],
    [placed, inReview, failed],
  ],
  [
    'put into manual review while its customer had to act, and compensated by a retry',
    ['reserve', 'await', 'review', 'retry', 'release', 'close'],
    [placed, reserved, inReview, failed],
  ],
  [
    'put into manual review while it was cancelled, and compensated by a retry',
    ['reserve', 'cancel', 'review', 'retry', 'release', 'close'],
    [placed, reserved, inReview, cancelled],
  ],
  [
    'put into manual review while it was cancelled, and resolved',
    ['reserve', 'confirm', 'cancel', 'review', 'resolve as cancelled'],
    [...paid, inReview, refunded, cancelled],
  ],
];

describe('an order that is', () => {
  test.each(ways)('%s writes its events, each by its schema', async (_way, names, types) => {
    expect(await typesOf(await run(await place(), ...names))).toEqual(types);
  });
});

test('an event says what happened, to which order and customer, and nothing of the answer of the API', async () => {
  const orderId = await run(await place({ discount: 300 }), 'reserve', 'confirm');
  const [first, , third, fourth] = await eventsOf(orderId);
  const [line] = await saga.owner`select product_id from orders.lines where order_id = ${orderId}`;
  const [{ number }] = await saga.owner<[{ number: string }]>`select number from orders.orders where id = ${orderId}`;
  expect(first?.data).toEqual({
    ...detailsOf({}),
    metadata: {},
    orderId,
    number,
    placedBy: null,
    customerId: saga.customerId,
    lines: [
      {
        productId: line!.productId,
        sku: 'TEAPOT',
        name: 'Teapot',
        quantity: 2,
        unitPrice: eur(1000),
        total: eur(2000),
        discount: eur(300),
        tax: eur(0),
        taxRate: null,
      },
    ],
    subtotal: eur(2000),
    discount: { ...eur(300), reason: 'premium-customer' },
    couponCode: null,
    shipping: null,
    tax: null,
    total: eur(1700),
  });
  const [payment] = await saga.owner`select id from payments.payments where order_id = ${orderId}`;
  const whose = { orderId, customerId: saga.customerId, paymentId: payment!.id };
  expect(third).toMatchObject({
    type: captured,
    subject: payment!.id,
    data: { ...whose, provider: 'simulated', amount: eur(1700) },
  });
  expect(fourth).toMatchObject({ type: confirmed, subject: orderId, data: { ...whose, total: eur(1700) } });
});

test('a refund is an event of its own, in the sequence of its order', async () => {
  const orderId = await run(await place(), 'reserve', 'confirm');
  const [succeeded, refused] = [await refund(orderId, 'succeeded'), await refund(orderId, 'failed')];
  const common = { orderId, customerId: saga.customerId, amount: eur(500) };
  expect((await eventsOf(orderId)).slice(4)).toMatchObject([
    { type: 'refund.succeeded', subject: succeeded, sequence: 5, data: { refundId: succeeded, ...common } },
    {
      type: 'refund.failed',
      subject: refused,
      sequence: 6,
      data: { refundId: refused, ...common, reason: 'disputed' },
    },
  ]);
});

test('the sequence of an order’s events is the version that each gave the order; its payment’s is the one before', async () => {
  const orderId = await run(await place(), 'reserve', 'confirm', 'cancel', 'release', 'refund and close');
  const versions = await saga.owner`
    select version, detail ->> 'to' as status from orders.timeline
    where order_id = ${orderId} and detail ->> 'to' in ('reserved', 'confirmed', 'cancelled') order by version`;
  expect(versions.map(({ status }) => status)).toEqual(['reserved', 'confirmed', 'cancelled']);
  const [ofReserved, ofConfirmed, ofCancelled] = versions.map(({ version }) => version);
  expect((await eventsOf(orderId)).map(({ sequence }) => sequence)).toEqual([
    1,
    ofReserved,
    ofConfirmed - 1,
    ofConfirmed,
    ofCancelled - 1,
    ofCancelled,
  ]);
});

test('an event carries the id of the request that its saga works for', async () => {
  const correlations = async (orderId: string) => (await eventsOf(orderId)).map(({ correlationId }) => correlationId);
  const compensated = await run(await place(), 'reserve', 'confirm', 'cancel', 'release', 'refund and close');
  const placing = Array(4).fill('req_place');
  expect(await correlations(compensated)).toEqual([...placing, 'req_cancel', 'req_cancel']);
  const resolved = await run(await place(), 'reserve', 'review', 'resolve as failed');
  expect(await correlations(resolved)).toEqual(['req_place', 'req_place', 'req_place', 'req_operator']);
  const retried = await run(await place(), 'reserve', 'review', 'retry', 'release', 'close');
  expect(await correlations(retried)).toEqual(['req_place', 'req_place', 'req_place', 'req_operator']);
  const refundedInPart = await run(await place(), 'reserve', 'confirm');
  await refund(refundedInPart, 'succeeded');
  expect(await correlations(refundedInPart)).toEqual([...placing, 'req_refund']);
});

test('the event of a capture carries the request that asked for it', async () => {
  const orderId = await run(await place(), 'reserve', 'authorize', 'capture');
  expect((await eventsOf(orderId)).at(-1)).toMatchObject({ type: captured, correlationId: 'req_capture', sequence: 5 });
});

test('an event names the event that led to it, unless a request did', async () => {
  const orderId = await run(await place(), 'reserve', 'confirm', 'cancel', 'release', 'refund and close');
  const events = await eventsOf(orderId);
  const ids = events.map(({ id }) => id);
  expect(events.map(({ type, causationId }) => [type, causationId])).toEqual([
    [placed, null],
    [reserved, ids[0]],
    [captured, ids[1]],
    [confirmed, ids[2]],
    [refunded, null],
    [cancelled, ids[4]],
  ]);
});

test('the contract, the transitions and the database know the same events', async () => {
  const about = { clock: saga.clock, requestId: 'req_customer' };
  const owner = saga.owner as unknown as Sql;
  await announceCustomer(owner, saga.customerId, about);
  await updateCustomer(owner, saga.customerId, { premium: true }, {}, saga.clock);
  await announceSuspensions(
    owner,
    [{ applicationId: newId('application', saga.clock), name: 'App', at: 0, version: 2 }],
    saga.clock,
  );
  await inTransaction(owner, (tx) => announceRun(tx, reportSent.example as never, { number: 1, clock: saga.clock }));
  const stocked = await saga.product(10);
  for (const quantity of [-6, -4]) {
    await inTransaction(owner, (tx) => adjustStock(tx, stocked, { quantity, reason: 'sold' }, saga.clock));
  }
  await shipAndReturn(await saga.place([{ productId: await saga.product(3), quantity: 3 }]));
  await inTransaction(erasure, (tx) =>
    emptyCustomer(tx, { id: saga.customerId, eventId: ids().eventId, requestId: 'req_erase' }, saga.clock),
  );
  const price = { amount: 100, currency: 'EUR' };
  const thing = { sku: 'EVENT-1', name: 'Mug', price, active: true, description: null };
  const product = await insertProduct(saga.owner as unknown as Sql, thing, saga.clock, 'req_1');
  await updateProduct(saga.owner as unknown as Sql, product.id, { active: false }, { oneOf: [1] }, saga.clock, 'req_2');
  const told = await saga.owner`
    select type, sequence, correlation_id, data from outbox.events where aggregate_id = ${product.id} order by sequence`;
  const data = { productId: product.id, parentId: null, sku: 'EVENT-1', name: 'Mug', price };
  expect(told.map((row) => ({ ...row }))).toEqual([
    { type: 'product.created', sequence: 1, correlationId: 'req_1', data: { ...data, active: true } },
    { type: 'product.updated', sequence: 2, correlationId: 'req_2', data: { ...data, active: false } },
  ]);
  const of = { orderId: await place(), customerId: saga.customerId };
  const how = { by: 'customer', condition: {}, requestId: 'req_3' } as const;
  await changeOrder({ sql: saga.api, clock: saga.clock }, of, { note: 'Ring twice.' }, how);
  const defined = domainEvents.map(({ type, version }) => `${type} ${version}`).toSorted();
  const written = await saga.owner`select distinct type || ' ' || schema_version as event from outbox.events`;
  expect(written.map(({ event }) => event).toSorted()).toEqual(defined);
  const [check] = await saga.owner`
    select pg_get_constraintdef(oid) as text from pg_constraint where conname = 'event_type_known'`;
  const known = (check!.text as string).matchAll(/schema_version = (\d+)\) AND \(type = ANY \('\{([^}]+)\}/g);
  const versions = [...known].flatMap(([, version, types]) =>
    types!.split(',').map((type) => `${type.trim()} ${version}`),
  );
  expect(versions.toSorted()).toEqual(defined);
});

/** An order whose parcel arrives, whose rest is cancelled, and that comes back in two returns, one of which is rejected. */
async function shipAndReturn({ id: orderId, lines }: Order) {
  const { productId } = lines[0]!;
  const goods = {
    sql: saga.owner,
    clock: saga.clock,
    keys: { table: 'orders.fulfilment_idempotency_keys' as const, clock: saga.clock, keepSeconds: 48 * 3600 },
  };
  const claim = { caller: 'app', key: undefined, operation: 'goods', fingerprint: 'f' };
  const idOf = ({ answer }: { answer: Answer }): string => JSON.parse(answer.body!).id;
  const packed = { orderId, lines: [{ productId, quantity: 2 }], createdBy: 'app' };
  const fulfilmentId = idOf(await createFulfilment(goods, claim, packed));
  const { startCapturing } = saga;
  await shipFulfilment({ ...goods, startCapturing }, claim, { orderId, fulfilmentId, tracking: {} });
  await saga.cancel(orderId);
  await changeFulfilment(goods, claim, { orderId, fulfilmentId, to: 'delivered' });
  const asked = [{ productId, quantity: 1, reason: 'damaged' as const }];
  const ask = async () => {
    const request = { of: { orderId, anybody: true as const }, lines: asked, requestedBy: 'app' };
    return { orderId, returnId: idOf(await requestReturn(goods, claim, request)) };
  };
  await receiveReturn(goods, claim, { ...(await ask()), lines: [{ productId, restock: 1, writeOff: 0 }] });
  await rejectReturn(goods, claim, { ...(await ask()), reason: 'worn' });
}

test('these ways take every transition', async () => {
  const taken = await saga.owner`
    select distinct detail ->> 'from' as from, detail ->> 'to' as to from orders.timeline where type = 'status-changed'`;
  const all = Object.entries(transitions).flatMap(([from, tos]) => tos.map((to) => `${from} → ${to}`));
  expect(taken.map(({ from, to }) => `${from} → ${to}`).toSorted()).toEqual(all.toSorted());
});
