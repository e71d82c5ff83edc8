import {
  type Api,
  connect,
  type Line,
  listProducts,
  type Order,
  type Product,
  type Quote,
  type TimelineEntry,
  unwrap,
} from '../client.ts';

/** The API that the shop calls, and the `web` application that its page belongs to. */
export type ShopConfig = { baseUrl: string; clientId: string };

export type Shop = ReturnType<typeof openShop>;
export type Customer = Awaited<ReturnType<Shop['signIn']>>;

/** The order changes no more by itself. */
export const hasEnded = ({ status }: Order): boolean =>
  status === 'confirmed' || status === 'failed' || status === 'cancelled' || status === 'needs_attention';

/** The shop as a visitor sees it; `signIn` gives what a customer can do. Every function throws ApiProblem. */
export function openShop({ baseUrl, clientId }: ShopConfig) {
  // A page sends its Client-Id always: it says which origins the API lets in, also when it refuses a request.
  const visitor = connect(baseUrl, { 'Client-Id': clientId });

  return {
    async products(): Promise<Product[]> {
      const all = [];
      for await (const product of listProducts(visitor)) all.push(product);
      return all;
    },
    quote: (lines: Line[]): Promise<Quote> => quote(visitor, lines),

    async signIn(email: string, password: string) {
      const { token } = await unwrap(visitor.POST('/sessions', { body: { email, password } }));
      const api = connect(baseUrl, { 'Client-Id': clientId, Authorization: `Bearer ${token}` });
      return {
        email,
        /** With the discount of this customer. */
        quote: (lines: Line[]): Promise<Quote> => quote(api, lines),
        placeOrder: (basket: Basket): Promise<Order> => placeOrder(api, basket),
        order: (orderId: string): Promise<Order> =>
          unwrap(api.GET('/orders/{orderId}', { params: { path: { orderId } } })),
        timeline: async (orderId: string): Promise<TimelineEntry[]> =>
          (await unwrap(api.GET('/orders/{orderId}/timeline', { params: { path: { orderId } } }))).data,
        signOut: async (): Promise<void> => {
          await api.DELETE('/sessions/current');
        },
      };
    },
  };
}

const quote = (api: Api, lines: Line[]): Promise<Quote> => unwrap(api.POST('/quotes', { body: { lines } }));

/** One thing to order. A basket that is sent again under the same key is the same order. */
export type Basket = { lines: Line[]; paymentMethod: string; idempotencyKey: string };

/** Waits up to ten seconds for the order to end. When no answer comes it asks again, which never orders twice. */
async function placeOrder(api: Api, { lines, paymentMethod, idempotencyKey }: Basket): Promise<Order> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await unwrap(
        api.POST('/orders', {
          params: { header: { 'Idempotency-Key': idempotencyKey, Prefer: 'wait=10' } },
          body: { lines, paymentMethod },
        }),
      );
    } catch (error) {
      // fetch throws TypeError when the connection is lost; a problem is an answer.
      if (!(error instanceof TypeError) || attempt === 3) throw error;
      await new Promise((resolve) => setTimeout(resolve, attempt * 500));
    }
  }
}
