import type * as z from 'zod/mini';
import type { operations } from '../../lib/contract/api/operations.ts';
import {
  address,
  appKey,
  application,
  cancelled,
  capture,
  category,
  confirmed,
  coupon,
  customer,
  delivered,
  eur,
  fulfilment,
  ids,
  keptAddress,
  largeTeapot,
  lastPage,
  level,
  lines,
  movement,
  opened,
  orderAddress,
  contact as orderContact,
  orderReturn,
  pending,
  placedAt,
  priced,
  product,
  readAction,
  refund,
  reportExport,
  reportSubscription,
  review,
  reviewOrder,
  settled,
  shipped,
  shippingMethod,
  taxRate,
  up,
  variantOf,
  webhookDelivery,
  webhookEndpoint,
} from './example-things.ts';

type Operations = typeof operations;
type Body<O> = O extends { body: infer S extends z.ZodMiniType } ? { request?: z.input<S> } : { request?: never };
type Answers<O> = O extends { responses: infer R }
  ? { answers?: { [Status in keyof R as R[Status] extends z.ZodMiniType ? Status : never]?: Answer<R[Status]> } }
  : never;
type Answer<S> = S extends z.ZodMiniType ? z.output<S> : never;

const pick = <T, K extends keyof T>(of: T, ...names: K[]): Pick<T, K> =>
  Object.fromEntries(names.map((each) => [each, of[each]])) as Pick<T, K>;

const { name, kind, origins, contact, scopes: asked } = application;
/** Not in the form of a secret, so that nobody takes it for one. */
const webhookSecret = 'whsec_shown-once';

/**
 * Requests and answers that tell more than the schemas do. What is missing here is derived from the schema, so an
 * operation needs no entry.
 */
export const telling: { [O in keyof Operations]?: Body<Operations[O]> & Answers<Operations[O]> } = {
  'list-shipping-methods': { answers: { 200: { data: [shippingMethod] } } },
  'put-shipping-method': {
    request: pick(shippingMethod, 'name', 'countries', 'currency', 'cost', 'freeAbove'),
    answers: { 200: { ...shippingMethod, version: 2 }, 201: shippingMethod },
  },
  'create-report-export': {
    request: pick(reportExport, 'report', 'parameters', 'format'),
    answers: {
      202: {
        ...reportExport,
        ...{ status: 'pending', progress: 'waiting', rows: null, bytes: null, asOf: null, lagSeconds: null },
        ...{ download: null, endedAt: null, expiresAt: null },
      },
    },
  },
  'create-report-subscription': {
    request: pick(reportSubscription, 'name', 'report', 'parameters', 'range', 'schedule', 'emails'),
    answers: { 201: reportSubscription },
  },
  'update-report-subscription': {
    request: { status: 'paused' },
    answers: { 200: { ...reportSubscription, status: 'paused', nextAt: null, version: 2 } },
  },
  'list-tax-rates': { answers: { 200: { data: [taxRate], hasMore: false, nextCursor: null } } },
  'put-tax-rate': {
    request: pick(taxRate, 'name', 'country', 'taxClass', 'rate', 'reverseCharge'),
    answers: { 200: { ...taxRate, version: 2 }, 201: taxRate },
  },
  'list-coupons': { answers: { 200: { data: [coupon], hasMore: false, nextCursor: null } } },
  'get-coupon': { answers: { 200: coupon } },
  'put-coupon': {
    request: pick(coupon, 'value', 'validFrom', 'validTo', 'usageLimit', 'customerLimit'),
    answers: { 200: { ...coupon, version: 2 }, 201: { ...coupon, used: 0 } },
  },
  'reset-password': { request: { token: 'cfe_m3pL2w', password: 'battery horse correct' } },
  'request-email-change': {
    request: { email: 'ada.king@example.com', password: 'correct horse battery' },
    answers: { 202: { email: 'ada.king@example.com' } },
  },
  'update-me': { request: { address }, answers: { 200: { ...customer, address, version: 2 } } },
  'list-my-addresses': { answers: { 200: { data: [keptAddress] } } },
  'add-my-address': { request: { address: keptAddress.address }, answers: { 201: keptAddress } },
  'replace-my-address': {
    request: { address: { ...keptAddress.address, line2: '2nd floor' }, defaultBilling: false },
    answers: {
      200: {
        ...keptAddress,
        address: { ...keptAddress.address, line2: '2nd floor' },
        defaultBilling: false,
        version: 2,
      },
    },
  },
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
    request: {
      sku: 'TEAPOT-1',
      name: 'Teapot',
      description: 'Holds 1.2 litres.',
      categoryId: ids.category,
      brand: product.brand,
      images: product.images,
      attributes: product.attributes,
      metadata: product.metadata,
      price: eur(4990),
      costPrice: eur(2100),
      weight: 850,
    },
    answers: { 201: { ...product, costPrice: eur(2100), variants: [{ ...variantOf(product), costPrice: eur(2100) }] } },
  },
  'update-product': {
    request: { price: eur(4490) },
    answers: {
      200: {
        ...product,
        price: eur(4490),
        priceRange: { from: eur(4490), to: eur(4490) },
        version: 2,
        variants: [{ ...variantOf(product), price: eur(4490), version: 2 }],
      },
    },
  },
  'list-variants': { answers: { 200: { data: [{ ...largeTeapot, availability: 'in_stock' }] } } },
  'create-variant': {
    request: { sku: largeTeapot.sku, optionValues: largeTeapot.optionValues, price: largeTeapot.price, weight: 1100 },
    answers: { 201: { ...largeTeapot, variants: [variantOf(largeTeapot)] } },
  },
  'list-categories': { answers: { 200: { data: [category] } } },
  'create-category': {
    request: { slug: category.slug, name: category.name, position: category.position },
    answers: { 201: category },
  },
  'update-category': { request: { position: 20 }, answers: { 200: { ...category, position: 20, version: 2 } } },
  'list-stock-movements': { answers: { 200: { data: [movement], ...lastPage, level } } },
  'update-stock-level': { request: { lowStockAt: 20 }, answers: { 200: { ...level, lowStockAt: 20 } } },
  'create-stock-movement': {
    request: { quantity: 120, reason: 'delivery 4711' },
    answers: { 201: { ...movement, level } },
  },
  'create-quote': { request: { lines, shippingAddress: orderAddress }, answers: { 200: priced } },
  'place-order': {
    request: { lines, paymentMethod: 'pm_card_visa', shippingAddress: orderAddress, contact: orderContact },
    answers: { 201: confirmed, 202: pending },
  },
  'get-order': {
    answers: { 200: { ...confirmed, included: { customer, products: [product] }, missing: [] } },
  },
  'update-order': {
    request: { note: 'Ring twice.' },
    answers: { 200: { ...confirmed, note: 'Ring twice.', version: 5 } },
  },
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
  'cancel-order': {
    request: { lines },
    answers: { 200: cancelled, 202: { ...confirmed, status: 'cancelling', version: 5 } },
  },
  'settle-simulated-payment': {
    request: { outcome: 'complete' },
  },
  'create-fulfilment': {
    request: { lines, carrier: 'DHL' },
    answers: { 201: { ...fulfilment, fulfilmentStatus: 'unfulfilled' } },
  },
  'ship-fulfilment': {
    request: { trackingNumber: shipped.trackingNumber, trackingUrl: shipped.trackingUrl },
    answers: { 200: { ...shipped, fulfilmentStatus: 'fulfilled' } },
  },
  'deliver-fulfilment': { answers: { 200: { ...delivered, fulfilmentStatus: 'delivered' } } },
  'cancel-fulfilment': { answers: { 200: { ...fulfilment, status: 'cancelled', fulfilmentStatus: 'unfulfilled' } } },
  'list-fulfilments': { answers: { 200: { data: [delivered] } } },
  'get-fulfilment': { answers: { 200: shipped } },
  'request-return': {
    request: { lines: [{ productId: ids.mug, quantity: 1, reason: 'damaged' }] },
    answers: { 201: orderReturn },
  },
  'receive-return': {
    request: { lines: [{ productId: ids.mug, writeOff: 1 }] },
    answers: {
      200: {
        ...orderReturn,
        status: 'received',
        lines: orderReturn.lines.map((line) => ({ ...line, writtenOff: 1 })),
        updatedAt: '2026-03-19T13:58:20.118Z',
      },
    },
  },
  'reject-return': {
    request: { reason: 'more than 30 days after delivery' },
    answers: { 200: { ...orderReturn, status: 'rejected', rejection: 'more than 30 days after delivery' } },
  },
  'request-capture': {
    answers: { 200: { ...capture, status: 'captured', capturedAt: '2026-03-16T07:30:12.611Z' }, 202: capture },
  },
  'get-capture': { answers: { 200: capture } },
  'request-refund': {
    request: { lines: [{ productId: ids.mug, quantity: 1 }], reason: 'the mug arrived broken' },
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
        failure: { code: 'compensated' as const, detail: 'Our staff undid the order; no money is kept.' },
        version: 6,
        manualReview: { ...settled, settledHow: 'resolved' },
      },
    },
  },
  'create-webhook-endpoint': {
    request: { url: webhookEndpoint.url, events: webhookEndpoint.events, description: webhookEndpoint.description },
    answers: { 201: { ...webhookEndpoint, secret: webhookSecret } },
  },
  'list-webhook-endpoints': { answers: { 200: { data: [webhookEndpoint] } } },
  'get-webhook-endpoint': { answers: { 200: webhookEndpoint } },
  'update-webhook-endpoint': {
    request: { status: 'active' },
    answers: { 200: { ...webhookEndpoint, version: 2 } },
  },
  'rotate-webhook-secret': { answers: { 200: { ...webhookEndpoint, version: 2, secret: webhookSecret } } },
  'ping-webhook-endpoint': {
    answers: { 202: { ...webhookDelivery, type: 'webhook.ping', attempts: 0, lastAttempt: null } },
  },
  'list-webhook-deliveries': { answers: { 200: { data: [webhookDelivery], ...lastPage } } },
  'replay-webhook-events': {
    request: { from: '2026-03-01T00:00:00.000Z', to: '2026-03-02T00:00:00.000Z' },
    answers: { 202: { events: 1000, next: '2026-03-01T09:12:00.120Z' } },
  },
  'retry-webhook-delivery': { answers: { 202: { ...webhookDelivery, attempts: 0 } } },
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
  'list-events': {
    answers: {
      200: {
        data: [
          {
            position: 1,
            id: 'evt_0198c6b2f1d07a3e9c54d2a1b7e60f39',
            type: 'order.cancelled',
            version: 1,
            subject: ids.order,
            aggregateId: ids.order,
            sequence: 7,
            occurredAt: placedAt,
            correlationId: 'req_0198c6b2f1d07a3e9c54d2a1b7e60f38',
            causationId: null,
            data: { orderId: ids.order, number: 'CF-10042', customerId: ids.customer, contact: orderContact },
          },
        ],
        next: 1,
        hasMore: false,
      },
    },
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
