import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Order } from '../../lib/contract/api/orders.ts';
import { send } from '../support/send.ts';

/** An order that a customer was told of. */
export type Told = { id: string; status: string; answeredAt: number };

export type Shop = {
  baseUrl: () => string;
  clientId: string;
  customer: { email: string; password: string };
  productIds: string[];
};

/** Customers who order again and again, and repeat a request under its key until it is answered. */
export type Customers = {
  told: Told[];
  /** What they got instead of an answer, by kind, and whether a repeat may help. */
  refusals: Map<string, number>;
  unexpected: string[];
  /** Resolves when an order that was sent from now on is confirmed. */
  nextConfirmed(): Promise<number>;
  stop(): Promise<void>;
};

/** How long a customer waits before asking again. */
const pauseMs = 100;
const patienceMs = 30_000;

export async function startCustomers(shop: Shop, count: number): Promise<Customers> {
  const { baseUrl, clientId } = shop;
  const signedIn = await send('POST', '/sessions', { baseUrl: baseUrl(), clientId, body: shop.customer });
  if (signedIn.status !== 201) throw new Error(`POST /sessions gave ${signedIn.status}: ${signedIn.text}`);
  const { token } = signedIn.body as { token: string };
  const told: Told[] = [];
  const refusals = new Map<string, number>();
  const unexpected: string[] = [];
  const waiting = new Set<{ since: number; resolve: (at: number) => void }>();
  let open = true;

  const order = async (turn: number): Promise<void> => {
    const lines = [{ productId: shop.productIds[turn % shop.productIds.length]!, quantity: 1 + (turn % 3) }];
    // Some find out later what became of their order, so that orders are under way when something happens.
    const body = { lines, paymentMethod: turn % 7 === 0 ? 'pm_timeoutOnce' : 'pm_card_visa' };
    const options = { token, key: randomUUID(), body, ...(turn % 4 === 0 ? {} : { wait: 10 }) };
    const sentAt = Date.now();
    while (open) {
      const outcome = await ask(options);
      if (outcome !== undefined) {
        told.push(outcome);
        if (outcome.status === 'confirmed')
          for (const one of waiting) if (one.since <= sentAt && waiting.delete(one)) one.resolve(outcome.answeredAt);
        return;
      }
      await sleep(pauseMs);
    }
  };
  const ask = async (options: object): Promise<Told | undefined> => {
    const refused = (kind: string) => void refusals.set(kind, (refusals.get(kind) ?? 0) + 1);
    try {
      const signal = AbortSignal.timeout(patienceMs);
      const { status, body, text } = await send('POST', '/orders', { baseUrl: baseUrl(), signal, ...options });
      if (status === 201 || status === 202 || status === 200) {
        const { id, status: state } = body as Order;
        return { id, status: state, answeredAt: Date.now() };
      }
      const { code = text } = body as { code?: string };
      refused(`${status} ${code}`);
      if (status !== 503 && code !== 'request-in-flight') unexpected.push(`POST /orders gave ${status}: ${text}`);
    } catch (error) {
      refused(error instanceof Error && error.name === 'TimeoutError' ? 'no answer' : 'connection lost');
    }
    return undefined;
  };
  const customer = async (n: number) => {
    for (let turn = n; open; turn += count) await order(turn);
  };
  const all = Array.from({ length: count }, (_, n) => customer(n));
  return {
    told,
    refusals,
    unexpected,
    nextConfirmed: () =>
      new Promise((resolve) => {
        waiting.add({ since: Date.now(), resolve });
      }),
    async stop() {
      open = false;
      await Promise.all(all);
    },
  };
}
