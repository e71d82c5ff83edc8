import { afterAll, beforeAll, expect, test } from 'vitest';
import { newId } from '../../lib/kernel/ids.ts';
import { readPriceable } from '../../lib/shop/pricing/priceable.sql.ts';
import { type Saga, startSaga } from '../support/saga.ts';

let saga: Saga;
let products: string[];
beforeAll(async () => {
  saga = await startSaga();
  products = [await saga.product(0, 100), await saga.product(0, 200), await saga.product(0, 300)];
  await saga.owner`update catalog.products set active = false where id = ${products[2]!}`;
});
afterAll(() => saga.stop());

test('reads the requested products that are on sale, and no others', async () => {
  const { products: found } = await readPriceable(saga.api, {
    customerId: null,
    productIds: [products[1]!, products[2]!, newId('product', saga.clock)],
  });
  expect(found).toEqual([
    {
      id: products[1],
      sku: `SKU-${products[1]!.slice(-12)}`,
      name: 'Thing',
      priceAmount: 200,
      priceCurrency: 'EUR',
      taxClass: 'standard',
      weight: null,
      hasOptions: false,
    },
  ]);
  expect(await readPriceable(saga.api, { customerId: null, productIds: [] })).toEqual({ premium: false, products: [] });
});

test('a customer is premium if their row says so; nobody and an unknown customer are not', async () => {
  const premium = async (customerId: string | null) =>
    (await readPriceable(saga.api, { customerId, productIds: [] })).premium;
  expect(await premium(saga.customerId)).toBe(false);
  await saga.owner`update customers.customers set premium = true where id = ${saga.customerId}`;
  expect(await premium(saga.customerId)).toBe(true);
  expect(await premium(null)).toBe(false);
  expect(await premium(newId('customer', saga.clock))).toBe(false);
});
