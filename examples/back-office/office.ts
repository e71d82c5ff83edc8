import { type Api, ApiProblem, connect, type Money, unwrap } from '../client.ts';
import type { components, operations } from '../generated/api.d.ts';
import type { Units } from './units.ts';

type Query<O extends keyof operations> = NonNullable<operations[O]['parameters']['query']>;
type Body<O extends 'ship-fulfilment' | 'request-return' | 'receive-return' | 'request-refund'> = NonNullable<
  operations[O]['requestBody']
>['content']['application/json'];
export type OrderFilter = Query<'list-orders'>;
export type Refund = components['schemas']['Refund'];
export type RefundRequest = Body<'request-refund'>;

export type Office = ReturnType<typeof openOffice>;

/** What the back office asks the API for, with an application's key. Every function throws ApiProblem. */
export function openOffice(baseUrl: string, key: string) {
  const api = connect(baseUrl, { Authorization: `Bearer ${key}` });
  return {
    ...ordersOf(api),
    ...parcelsOf(api),
    ...catalogueOf(api),
    ...reviewOf(api),

    /** Whether the key is one. A key without scopes is one too. */
    async check(): Promise<void> {
      try {
        await unwrap(api.GET('/orders', { params: { query: { limit: 1 } } }));
      } catch (error) {
        if (!(error instanceof ApiProblem && error.code === 'forbidden')) throw error;
      }
    },
    customers: (query: Query<'list-customers'>) =>
      unwrap(api.GET('/customers', { params: { query: { ...query, include: ['count'] } } })),
    customer: (customerId: string) =>
      unwrap(api.GET('/customers/{customerId}', { params: { path: { customerId }, query: { include: ['orders'] } } })),
  };
}

const ordersOf = (api: Api) => ({
  orders: (query: OrderFilter) => unwrap(api.GET('/orders', { params: { query: { ...query, include: ['count'] } } })),
  order: (orderId: string) =>
    unwrap(api.GET('/orders/{orderId}', { params: { path: { orderId }, query: { include: ['customer'] } } })),
  timeline: async (orderId: string) =>
    (await unwrap(api.GET('/orders/{orderId}/timeline', { params: { path: { orderId } } }))).data,
  refunds: async (orderId: string) =>
    (await unwrap(api.GET('/orders/{orderId}/refunds', { params: { path: { orderId }, query: { limit: 100 } } }))).data,
  /** Waits up to ten seconds for the payment provider. Sent again under the same key, it refunds once. */
  refund: (orderId: string, body: RefundRequest, key: string) =>
    unwrap(
      api.POST('/orders/{orderId}/refunds', {
        params: { path: { orderId }, header: { 'Idempotency-Key': key, Prefer: 'wait=10' } },
        body,
      }),
    ),
});

type OfParcel = { orderId: string; fulfilmentId: string };
type OfReturn = { orderId: string; returnId: string };

const parcelsOf = (api: Api) => ({
  parcels: async (orderId: string) =>
    (await unwrap(api.GET('/orders/{orderId}/fulfilments', { params: { path: { orderId } } }))).data,
  /** Cancels units that have not shipped, or the whole order if they are all that is left of it. */
  cancel: (orderId: string, lines: Units[], key: string) =>
    unwrap(
      api.POST('/orders/{orderId}/cancel', {
        params: { path: { orderId }, header: { 'Idempotency-Key': key, Prefer: 'wait=10' } },
        body: { lines },
      }),
    ),
  pack: (orderId: string, lines: Units[], key: string) =>
    unwrap(
      api.POST('/orders/{orderId}/fulfilments', {
        params: { path: { orderId }, header: { 'Idempotency-Key': key } },
        body: { lines },
      }),
    ),
  ship: (path: OfParcel, body: Body<'ship-fulfilment'>, key: string) =>
    unwrap(
      api.POST('/orders/{orderId}/fulfilments/{fulfilmentId}/shipped', {
        params: { path, header: { 'Idempotency-Key': key } },
        body,
      }),
    ),
  deliver: (path: OfParcel, key: string) =>
    unwrap(
      api.POST('/orders/{orderId}/fulfilments/{fulfilmentId}/delivered', {
        params: { path, header: { 'Idempotency-Key': key } },
      }),
    ),
  unpack: (path: OfParcel, key: string) =>
    unwrap(
      api.POST('/orders/{orderId}/fulfilments/{fulfilmentId}/cancel', {
        params: { path, header: { 'Idempotency-Key': key } },
      }),
    ),
  returns: async (orderId: string) =>
    (await unwrap(api.GET('/orders/{orderId}/returns', { params: { path: { orderId } } }))).data,
  requestReturn: (orderId: string, lines: Body<'request-return'>['lines'], key: string) =>
    unwrap(
      api.POST('/orders/{orderId}/returns', {
        params: { path: { orderId }, header: { 'Idempotency-Key': key } },
        body: { lines },
      }),
    ),
  /** Puts the units to restock back into stock. Sent again under the same key, it does so once. */
  receive: (path: OfReturn, lines: Body<'receive-return'>['lines'], key: string) =>
    unwrap(
      api.POST('/orders/{orderId}/returns/{returnId}/receive', {
        params: { path, header: { 'Idempotency-Key': key } },
        body: { lines },
      }),
    ),
  reject: (path: OfReturn, reason: string, key: string) =>
    unwrap(
      api.POST('/orders/{orderId}/returns/{returnId}/reject', {
        params: { path, header: { 'Idempotency-Key': key } },
        body: { reason },
      }),
    ),
});

const catalogueOf = (api: Api) => ({
  products: (query: Query<'list-products'>) => unwrap(api.GET('/products', { params: { query } })),
  /** With its version, which a change names so that it does not overwrite another one. */
  async product(productId: string) {
    const call = api.GET('/products/{productId}', { params: { path: { productId } } });
    return { ...(await unwrap(call)), etag: (await call).response.headers.get('etag') ?? '' };
  },
  /** With their availability, those off sale too. */
  variants: async (productId: string) =>
    (await unwrap(api.GET('/products/{productId}/variants', { params: { path: { productId } } }))).data,
  changeProduct: (productId: string, etag: string, body: { name: string; price?: Money; active: boolean }) =>
    unwrap(api.PATCH('/products/{productId}', { params: { path: { productId }, header: { 'If-Match': etag } }, body })),
  addProduct: (body: { sku: string; name: string; price: Money }, key: string) =>
    unwrap(api.POST('/products', { params: { header: { 'Idempotency-Key': key } }, body })),
  stock: (productId: string) =>
    unwrap(api.GET('/products/{productId}/stock-movements', { params: { path: { productId }, query: { limit: 20 } } })),
  moveStock: (productId: string, body: { quantity: number; reason: string }, key: string) =>
    unwrap(
      api.POST('/products/{productId}/stock-movements', {
        params: { path: { productId }, header: { 'Idempotency-Key': key } },
        body,
      }),
    ),
});

const reviewOf = (api: Api) => ({
  inReview: (cursor?: string) =>
    unwrap(api.GET('/manual-review/orders', { params: { query: cursor === undefined ? {} : { cursor } } })),
  explain: (orderId: string) => unwrap(api.GET('/manual-review/orders/{orderId}', { params: { path: { orderId } } })),
  retry: (orderId: string, key: string) =>
    unwrap(
      api.POST('/manual-review/orders/{orderId}/retry', {
        params: { path: { orderId }, header: { 'Idempotency-Key': key } },
      }),
    ),
  resolve: (
    orderId: string,
    body: { outcome: 'failed' | 'cancelled'; note: string; refundReference?: string },
    key: string,
  ) =>
    unwrap(
      api.POST('/manual-review/orders/{orderId}/resolve', {
        params: { path: { orderId }, header: { 'Idempotency-Key': key } },
        body,
      }),
    ),
});
