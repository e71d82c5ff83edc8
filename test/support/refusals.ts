import { afterAll, beforeAll, expect, test } from 'vitest';
import type { OperationId } from '../../lib/contract/api/operations.ts';
import type { Call } from './handlers.ts';
import { type LiveHandlers, openLiveHandlers } from './live-handlers.ts';

let handlers: LiveHandlers;
let keys: { catalog: string; stock: string };
let productId: string;

/** A product without stock. The one that `call` names has some. */
export let otherId: string;

beforeAll(async () => {
  handlers = await openLiveHandlers({ RATE_LIMIT_PER_MINUTE: '100000' });
  keys = { catalog: await handlers.appKey('catalog:write'), stock: await handlers.appKey('stock:read', 'stock:write') };
  productId = await addProduct('A-1');
  otherId = await addProduct('A-2');
  for (const quantity of [1, 2, 3]) await call('create-stock-movement', { body: { quantity, reason: 'x' } });
});
afterAll(() => handlers?.close());

const addProduct = async (sku: string): Promise<string> =>
  (await call('create-product', { body: { ...product, sku } })).body.id;

export const product = { sku: 'NEW', name: 'Mug', price: { amount: 1999, currency: 'EUR' } };
export const movement = { quantity: 5, reason: 'delivery' };

/** A caller that may call the operation, and a product in its path. */
export function call(operation: OperationId, options: Call = {}) {
  const token = /stock/.test(operation) ? keys.stock : /create-product|update-product/.test(operation) && keys.catalog;
  return handlers.call(operation, { ...(token ? { token } : {}), parameters: { productId }, ...options });
}

/** Any text, sent as JSON. */
export const raw = (body: string): Call => ({ body, headers: { 'Content-Type': 'application/json' } });

/** Everything that a request could have changed. */
const everything = () => handlers.owner`
  select
    (select jsonb_agg(p order by id) from catalog.products p) as products,
    (select jsonb_agg(l order by product_id) from stock.levels l) as levels,
    (select count(*) from stock.movements) as movements,
    (select count(*) from catalog.idempotency_keys) as keys,
    (select count(*) from customers.customers) as customers`;

export type Case = [
  title: string,
  operation: OperationId,
  call: () => Call,
  status: number,
  code: string,
  pointer?: string,
];

/** Each request must be refused with this problem and pointer, and change nothing. */
export function refused(cases: Case[]) {
  test.each(cases)('%s (%s)', async (_, operation, options, status, code, pointer) => {
    const before = await everything();
    const answer = await call(operation, { headers: { 'Idempotency-Key': 'validation' }, ...options() });
    expect(answer).toMatchObject({
      status,
      headers: { 'content-type': 'application/problem+json', 'cache-control': 'no-store' },
      body: {
        status,
        code,
        type: expect.stringContaining(code),
        title: expect.any(String),
        requestId: expect.any(String),
      },
    });
    expect(answer.body.detail).toMatch(/^[^\n]{1,300}[.]$/);
    const pointers = answer.body.errors?.map((error: { pointer: string }) => error.pointer);
    expect(pointers).toEqual(pointer === undefined ? undefined : expect.arrayContaining([pointer]));
    expect(await everything()).toEqual(before);
  });
}

/** The id of a product that does not exist. */
export const id = `prd_${'0'.repeat(32)}`;
