import type * as z from 'zod/mini';
import type { operations } from '../../lib/contract/api/operations.ts';
import type { IdKind } from '../../lib/kernel/ids.ts';

type Operations = typeof operations;
type Body<O> = O extends { body: infer S extends z.ZodMiniType } ? { request?: z.input<S> } : { request?: never };
type Answers<O> = O extends { responses: infer R }
  ? { answers?: { [Status in keyof R as R[Status] extends z.ZodMiniType ? Status : never]?: Answer<R[Status]> } }
  : never;
type Answer<S> = S extends z.ZodMiniType ? z.output<S> : never;

const ids = {
  customer: 'cus_0198c6a04b1c7d52a3f0e97d6c5b4a31',
  product: 'prd_0198c6a17e2f7c44b8d16a0f9e3c2b75',
  mug: 'prd_0198c6a1b3927e07a5c1f4d8e6b09a12',
  order: 'ord_0198c6b2f1d07a3e9c54d2a1b7e60f38',
  payment: 'pay_0198c6b2f8e47b19a6d3c0e5f1a29b84',
  refund: 'rfd_0198c7d4a3b17c58b2e6f09d1a4c7e83',
  movement: 'mov_0198c6a2c0d17f63b9e4a85d7c1f3e06',
  finding: 'fnd_0198c6d5a3b87e21c4f09d6e8b7a1530',
  event: 'evt_0198c6b2f1d07a3e9c54d2a1b7e60f39',
  identity: 'idn_0198c6a3f1b27d60b4c8e2a7f5d39e10',
  action: 'act_0198c6c9a3b57e40b2d8c1f6e7a95d04',
  session: 'ses_6b1f0c9d2e7a48d39c50a1b7e4f8d263',
  application: 'app_0198c69e0c1b7a93b5d8f1e4a7c02b36',
  access: 'acc_0198c6d9b3a57e40b2d8c1f6e7a95d05',
  backOffice: 'app_0198c69e2f437a11b8c4d0e9f6a2537d',
  key: 'key_0198c69f5d2e7b81a4c7e0d3f6b92a15',
};
const eur = (amount: number) => ({ amount, currency: 'EUR' });
const placedAt = '2026-03-14T09:26:53.589Z';
const address = { line1: 'Hauptstraße 5', city: 'Graz', postalCode: '8010', country: 'AT' };

const customer = {
  id: ids.customer,
  email: 'ada@example.com',
  name: 'Ada Lovelace',
  address: null,
  premium: false,
  createdAt: '2026-03-14T09:20:11.020Z',
  updatedAt: '2026-03-14T09:20:11.020Z',
  version: 1,
};

const product = {
  id: ids.product,
  sku: 'TEAPOT-1',
  name: 'Teapot',
  description: 'Holds 1.2 litres.',
  price: eur(4990),
  active: true,
  createdAt: '2026-03-02T08:00:00.000Z',
  updatedAt: '2026-03-02T08:00:00.000Z',
  version: 1,
};

const priced = {
  lines: [
    { productId: ids.product, sku: 'TEAPOT-1', name: 'Teapot', quantity: 2, unitPrice: eur(4990), total: eur(9980) },
    { productId: ids.mug, sku: 'MUG-3', name: 'Mug', quantity: 1, unitPrice: eur(1520), total: eur(1520) },
  ],
  subtotal: eur(11500),
  discount: { ...eur(1150), reason: 'large-order' as const },
  total: eur(10350),
};

const pending = {
  id: ids.order,
  status: 'pending' as const,
  customerId: ids.customer,
  ...priced,
  payment: null,
  paymentAction: null,
  failure: null,
  createdAt: placedAt,
  updatedAt: placedAt,
  version: 1,
};

const refund = {
  id: ids.refund,
  orderId: ids.order,
  status: 'requested' as const,
  amount: eur(1520),
  reason: 'the mug arrived broken',
  failure: null,
  createdAt: '2026-03-19T14:02:33.410Z',
  updatedAt: '2026-03-19T14:02:33.410Z',
};

const confirmed = {
  ...pending,
  status: 'confirmed' as const,
  payment: { id: ids.payment, status: 'captured' as const, refunded: eur(0) },
  updatedAt: '2026-03-14T09:26:53.911Z',
  version: 4,
};

const cancelled = {
  ...confirmed,
  status: 'cancelled' as const,
  payment: { id: ids.payment, status: 'refunded' as const, refunded: eur(10350) },
  updatedAt: '2026-03-14T10:02:44.310Z',
  version: 7,
};

const level = { onHand: 120, reserved: 2, available: 118 };
const movement = {
  id: ids.movement,
  productId: ids.product,
  kind: 'adjustment' as const,
  quantity: 120,
  reserved: 0,
  reason: 'delivery 4711',
  orderId: null,
  createdAt: '2026-03-02T08:05:00.000Z',
};
const lines = [
  { productId: ids.product, quantity: 2 },
  { productId: ids.mug, quantity: 1 },
];
const opened = {
  ...pending,
  status: 'needs_attention' as const,
  failure: {
    code: 'payment-unknown',
    detail: 'The payment provider did not answer in time; we are finding out whether money was taken.',
  },
  updatedAt: '2026-03-14T09:28:41.207Z',
  version: 4,
};
const review = {
  attempt: 0,
  openedAt: '2026-03-14T09:28:41.207Z',
  ageSeconds: 1260,
  fromStatus: 'reserved' as const,
  reason: 'payment-unknown',
  steps: ['RefundPayment'],
  error: 'OutcomeUnknown',
  message: 'the provider did not answer within 8000 ms',
  moneyAtStake: { ...eur(10350), certain: false },
  stockAtStake: [],
  execution: ids.order,
  settledAt: null,
  settledHow: null,
};
const reviewOrder = { ...opened, compensationAttempts: 0, manualReview: review };
const settled = { ...review, settledAt: '2026-03-14T09:49:41.207Z', settledHow: 'retried' as const };
const readAction = {
  id: ids.action,
  at: '2026-03-14T09:49:41.207Z',
  keyId: ids.key,
  action: 'read' as const,
  outcome: null,
  note: null,
  refundReference: null,
  requestId: 'req_0198c6c9a3b17e01a5c2d7f8b4e69c30',
};

const application = {
  id: ids.application,
  name: 'Web shop',
  kind: 'web' as const,
  status: 'active' as const,
  scopes: ['catalog:read' as const, 'orders:read' as const, 'orders:place' as const, 'customers:write' as const],
  rateClass: 'standard' as const,
  origins: ['https://shop.example'],
  identityClientIds: [],
  contact: 'web@shop.example',
  createdAt: placedAt,
  updatedAt: placedAt,
  version: 1,
};
const { name, kind, origins, contact, scopes: asked } = application;
const appKey = { id: ids.key, createdAt: placedAt, expiresAt: null, lastUsedAt: null };

const identity = {
  id: ids.identity,
  issuer: 'https://login.shop.example',
  linkedAt: placedAt,
  lastUsedAt: placedAt,
};

const lastPage = { hasMore: false, nextCursor: null };
const up = (latencyMs: number) => ({ status: 'up' as const, latencyMs });

/** An example of each id, by what it names. */
export const exampleIds: Readonly<Partial<Record<IdKind, string>>> = {
  customer: ids.customer,
  product: ids.product,
  order: ids.order,
  payment: ids.payment,
  refund: ids.refund,
  movement: ids.movement,
  finding: ids.finding,
  event: ids.event,
  identity: ids.identity,
  action: ids.action,
  session: ids.session,
  application: ids.application,
  access: ids.access,
  appKey: ids.key,
  request: readAction.requestId,
};

/** Examples of texts, by the name of the property that has them. */
export const exampleTexts: Readonly<Record<string, string>> = {
  email: customer.email,
  name: customer.name,
  token: 'cfe_m3pL2w',
  password: 'correct horse battery',
  newPassword: 'battery horse correct',
  sku: product.sku,
  reason: refund.reason,
  currency: 'EUR',
  version: '0.1.0',
  idToken: 'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJ1c2VyLTEifQ.c2lnbmF0dXJl',
};

export const exampleTime = placedAt;

/** An example of each thing that several operations answer with, by the name of its schema. */
export const exampleThings: Readonly<Record<string, unknown>> = {
  Money: eur(4990),
  Product: product,
  Customer: customer,
  Address: address,
  Identity: identity,
  Quote: priced,
  Order: confirmed,
  Refund: refund,
  StockLevel: level,
  StockMovement: movement,
  ReviewOrder: reviewOrder,
};

/**
 * Requests and answers that tell more than the schemas do. What is missing here is derived from the schema, so an
 * operation needs no entry.
 */
export const telling: { [O in keyof Operations]?: Body<Operations[O]> & Answers<Operations[O]> } = {
  'reset-password': { request: { token: 'cfe_m3pL2w', password: 'battery horse correct' } },
  'request-email-change': {
    request: { email: 'ada.king@example.com', password: 'correct horse battery' },
    answers: { 202: { email: 'ada.king@example.com' } },
  },
  'update-me': { request: { address }, answers: { 200: { ...customer, address, version: 2 } } },
  'update-customer': { request: { premium: true }, answers: { 200: { ...customer, premium: true, version: 2 } } },
  'sign-in': {
    request: { email: 'ada@example.com', password: 'correct horse battery' },
    answers: { 201: { token: 'session-token', expiresAt: '2026-03-15T09:21:07.114Z', customerId: ids.customer } },
  },
  'list-sessions': {
    answers: {
      200: {
        data: [
          {
            id: ids.session,
            createdAt: '2026-03-14T09:21:07.000Z',
            expiresAt: '2026-03-15T09:21:07.000Z',
            network: '203.0.113.0/24',
            applicationId: null,
            current: true,
          },
        ],
      },
    },
  },
  'create-product': {
    request: { sku: 'TEAPOT-1', name: 'Teapot', description: 'Holds 1.2 litres.', price: eur(4990) },
    answers: { 201: product },
  },
  'update-product': { request: { price: eur(4490) }, answers: { 200: { ...product, price: eur(4490), version: 2 } } },
  'list-stock-movements': { answers: { 200: { data: [movement], ...lastPage, level } } },
  'create-stock-movement': {
    request: { quantity: 120, reason: 'delivery 4711' },
    answers: { 201: { ...movement, level } },
  },
  'create-quote': { request: { lines }, answers: { 200: priced } },
  'place-order': { request: { lines, paymentMethod: 'pm_card_visa' }, answers: { 201: confirmed, 202: pending } },
  'get-order-timeline': {
    answers: {
      200: {
        data: [
          { at: placedAt, type: 'order-placed', detail: { status: 'pending', total: eur(10350) } },
          { at: '2026-03-14T09:26:53.702Z', type: 'stock-reserved', detail: { expiresAt: '2026-03-14T09:41:53.702Z' } },
          { at: '2026-03-14T09:26:53.702Z', type: 'status-changed', detail: { from: 'pending', to: 'reserved' } },
        ],
      },
    },
  },
  'cancel-order': { answers: { 200: cancelled, 202: { ...confirmed, status: 'cancelling', version: 5 } } },
  'settle-simulated-payment': {
    request: { outcome: 'complete' },
  },
  'request-refund': {
    request: { amount: eur(1520), reason: 'the mug arrived broken' },
    answers: { 201: { ...refund, status: 'succeeded', updatedAt: '2026-03-19T14:02:33.907Z' }, 202: refund },
  },
  'list-findings': {
    answers: {
      200: {
        data: [
          {
            id: ids.finding,
            kind: 'level-differs-from-ledger' as const,
            subject: ids.product,
            details: {
              productId: ids.product,
              onHand: 120,
              reserved: 2,
              ledgerOnHand: 118,
              ledgerReserved: 2,
              held: 2,
            },
            advice: 'Somebody wrote past the ledger: count the shelf, and correct the level as the runbook says.',
            repair: null,
            firstSeen: '2026-03-14T10:25:03.118Z',
            lastSeen: '2026-03-14T11:25:02.907Z',
            clearedAt: null,
          },
        ],
        ...lastPage,
      },
    },
  },
  'explain-order': {
    answers: {
      200: {
        order: reviewOrder,
        manualReview: [review],
        timeline: [{ at: placedAt, type: 'order-placed', detail: { status: 'pending', total: eur(10350) } }],
        payments: [],
        refunds: [],
        reservations: [
          {
            productId: ids.product,
            sku: 'TEAPOT-1',
            quantity: 2,
            state: 'released',
            expiresAt: '2026-03-14T09:41:53.702Z',
          },
        ],
        stockMovements: [{ ...movement, kind: 'reservation', quantity: 0, reserved: 2, orderId: ids.order }],
        events: [{ id: ids.event, type: 'order.in_review', occurredAt: opened.updatedAt, publishedAt: null }],
        executions: [
          {
            name: ids.order,
            status: 'FAILED',
            startedAt: placedAt,
            endedAt: opened.updatedAt,
            attempts: [
              {
                state: 'RefundPayment',
                attempt: 1,
                startedAt: '2026-03-14T09:27:40.100Z',
                endedAt: '2026-03-14T09:27:48.114Z',
                result: 'failed',
                error: 'OutcomeUnknown',
                message: 'the provider did not answer within 8000 ms',
              },
            ],
            complete: true,
          },
        ],
        actions: [readAction],
        requests: [{ requestId: readAction.requestId, at: readAction.at, what: 'read' }],
        notes: [],
      },
    },
  },
  'retry-compensation': {
    answers: {
      202: { ...reviewOrder, status: 'reserved', version: 5, compensationAttempts: 1, manualReview: settled },
    },
  },
  'resolve-order': {
    request: { outcome: 'failed', note: 'Refunded by hand, ticket 4711.', refundReference: 're_3PxQ' },
    answers: {
      200: {
        ...reviewOrder,
        status: 'failed',
        failure: { code: 'compensated', detail: 'Our staff undid the order; no money is kept.' },
        version: 6,
        manualReview: { ...settled, settledHow: 'resolved' },
      },
    },
  },
  'create-application': {
    request: { name, kind, scopes: asked, origins, contact },
    answers: { 201: application },
  },
  'list-applications': { answers: { 200: { data: [application], ...lastPage } } },
  'get-application': { answers: { 200: { ...application, kind: 'server', origins: [], keys: [appKey] } } },
  'update-application': {
    request: { status: 'suspended' },
    answers: { 200: { ...application, status: 'suspended', version: 2 } },
  },
  'create-key': {
    request: { expiresAt: '2027-03-14T00:00:00.000Z' },
    answers: { 201: { ...appKey, expiresAt: '2027-03-14T00:00:00.000Z', key: 'application-key' } },
  },
  'get-usage': {
    answers: {
      200: {
        applicationId: ids.application,
        from: '2026-03-13T09:30:00.000Z',
        to: '2026-03-14T09:30:00.000Z',
        requests: 1312,
        clientErrors: 41,
        serverErrors: 0,
        slowestOperation: 'place-order',
        operations: [
          {
            operation: 'list-products',
            requests: 1204,
            clientErrors: 40,
            serverErrors: 0,
            p50Milliseconds: 7.3,
            p99Milliseconds: 41.5,
          },
          {
            operation: 'place-order',
            requests: 108,
            clientErrors: 1,
            serverErrors: 0,
            p50Milliseconds: 29.3,
            p99Milliseconds: 139.6,
          },
        ],
      },
    },
  },
  'list-accesses': {
    answers: {
      200: {
        data: [
          {
            id: ids.access,
            at: '2026-03-14T10:15:30.021Z',
            operation: 'explain-order',
            kind: 'read',
            status: 200,
            problem: null,
            milliseconds: 31,
            requestId: readAction.requestId,
            applicationId: ids.backOffice,
            keyId: ids.key,
            customerId: null,
            network: '203.0.113.0/24',
            resources: [ids.order, ids.customer],
          },
        ],
        hasMore: false,
        nextCursor: null,
      },
    },
  },
  'list-readers': {
    answers: {
      200: {
        customerId: ids.customer,
        from: '2026-02-11T10:20:00.000Z',
        to: '2026-03-14T10:20:00.000Z',
        data: [
          {
            applicationId: ids.application,
            reads: 12,
            writes: 3,
            first: '2026-03-14T09:20:11.020Z',
            last: '2026-03-14T09:58:02.417Z',
          },
          {
            applicationId: ids.backOffice,
            reads: 1,
            writes: 0,
            first: '2026-03-14T10:15:30.021Z',
            last: '2026-03-14T10:15:30.021Z',
          },
        ],
      },
    },
  },
  'get-health': {
    answers: {
      200: {
        status: 'up',
        parts: { database: up(3), sessions: up(5), states: up(18) },
        version: '0.1.0',
        checkedAt: placedAt,
      },
      503: {
        status: 'down',
        parts: { database: { status: 'down', latencyMs: 1000 }, sessions: up(5), states: up(18) },
        version: '0.1.0',
        checkedAt: placedAt,
      },
    },
  },
};
