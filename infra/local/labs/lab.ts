import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Sql } from 'postgres';
import type { Demo } from '../demo.ts';
import type { Stack } from '../stack.ts';

/** A shop that is there to be broken. */
export type Shop = {
  directory: string;
  demo: Demo;
  /** The stack that runs now. */
  stack(): Stack;
  /** Stops the stack, does something to its folder, and starts it again. */
  restart(between: () => Promise<void>): Promise<void>;
  /** As the owner of the database, in a session that the database names `lab`. The lab ends it. */
  session(): Sql;
};

/** One way in which a shop breaks, for learning to find it and to mend it. */
export type Lab = {
  /** What people notice. */
  noticed: string;
  /** The page that a learner needs when the doctor is not enough. */
  page: string;
  /** Checks of the doctor that find it, and are well again when it is mended. */
  checks: readonly string[];
  /** Settings that the shop starts with. */
  settings?: Record<string, string>;
  /** Breaks the shop. @returns what takes the fault away again for whoever gives up */
  breakShop(shop: Shop): Promise<() => Promise<void>>;
};

/** Places orders one after the other as the demo customer, and waits for none of them. */
export async function order({ stack, demo }: Shop, count: number, paymentMethod: string): Promise<void> {
  const post = async (path: string, headers: Record<string, string>, body: object) => {
    const response = await fetch(stack().baseUrl + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`POST ${path} answered ${response.status}`);
    return (await response.json()) as { token: string };
  };
  const { token } = await post('/sessions', { 'client-id': demo.clientId }, demo.customer);
  for (let n = 0; n < count; n++) {
    const lines = [{ productId: demo.products[n % demo.products.length]!.id, quantity: 1 }];
    const by = { authorization: `Bearer ${token}`, 'idempotency-key': randomUUID() };
    await post('/orders', by, { lines, paymentMethod });
  }
}

/** Many who look at the same product again and again. @returns what sends them away */
export function crowd({ stack, demo }: Shop, many: number, pauseMs: number): () => Promise<void> {
  const away = new AbortController();
  const address = `${stack().baseUrl}/products/${demo.products[0]!.id}`;
  const look = async (): Promise<void> => {
    while (!away.signal.aborted) {
      const asked = fetch(address, { headers: { 'client-id': demo.clientId }, signal: away.signal });
      // Whoever gets no answer while the shop is closed tries again.
      await asked.then((response) => response.arrayBuffer()).catch(() => {});
      await sleep(pauseMs);
    }
  };
  const looking = Array.from({ length: many }, look);
  return async () => {
    away.abort();
    await Promise.all(looking);
  };
}
