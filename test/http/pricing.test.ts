import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as z from 'zod/mini';
import { listCoupons, putCoupon } from '../../lib/contract/api/coupons.ts';
import { quote } from '../../lib/contract/api/orders.ts';
import { listShippingMethods, putShippingMethod } from '../../lib/contract/api/shipping-methods.ts';
import { listTaxRates, putTaxRate } from '../../lib/contract/api/tax-rates.ts';
import { listCoupons as listCouponsIn, replaceCoupon } from '../../lib/shop/pricing/coupons.sql.ts';
import { listTaxRates as listTaxRatesIn, replaceTaxRate } from '../../lib/shop/pricing/tax-rates.sql.ts';
import { type LiveHandlers, openLiveHandlers } from '../support/live-handlers.ts';

let handlers: LiveHandlers;
let office: string;
let mug: string;
let book: string;

beforeAll(async () => {
  handlers = await openLiveHandlers({
    RATE_LIMIT_PER_MINUTE: '100000',
    TAX: 'excluded',
    SHIPPING_METHOD: 'required',
  });
  office = await handlers.appKey('catalog:write', 'catalog:read', 'customers:write', 'customers:read');
  mug = await product('MUG', 1000);
  book = await product('BOOK', 3000, { taxClass: 'books' });
  await put('tax-rate', 'de-standard', { name: 'VAT', country: 'DE', rate: 190_000 });
  await put('tax-rate', 'at-standard', { name: 'VAT', country: 'AT', rate: 200_000, reverseCharge: true });
  await put('shipping-method', 'parcel', parcel);
});
afterAll(() => handlers?.close());

const parcel = { name: 'Parcel', countries: ['AT', 'DE'], currency: 'EUR', cost: { type: 'flat', amount: 500 } };
const percent = (value: number) => ({ value: { type: 'percent', percent: value } });
const euros = (amount: number) => ({ amount, currency: 'EUR' });
const address = (country: string, more: object = {}) => ({
  ...{ name: 'Ada', line1: 'Weg 1', postalCode: '10115', city: 'Ort', country },
  ...more,
});

async function product(sku: string, amount: number, more: object = {}): Promise<string> {
  const body = { sku, name: sku, price: euros(amount), ...more };
  const created = await handlers.call('create-product', { token: office, body });
  const id = created.body.id as string;
  return id;
}
const put = (what: 'tax-rate' | 'shipping-method' | 'coupon', code: string, body: object, headers = {}) =>
  handlers.call(`put-${what}`, { token: office, parameters: { code }, body, headers });
const remove = (what: 'tax-rate' | 'shipping-method', code: string) =>
  handlers.call(`delete-${what}`, { token: office, parameters: { code } });
const ask = (body: object, token?: string) =>
  handlers.call('create-quote', {
    body: { lines: [{ productId: mug, quantity: 2 }], ...body },
    ...(token === undefined ? {} : { token }),
  });
let keys = 0;
const place = (body: object, token: string) =>
  handlers.call('place-order', {
    token,
    headers: { 'Idempotency-Key': `order-${++keys}` },
    body: { lines: [{ productId: mug, quantity: 2 }], paymentMethod: 'pm_card_visa', ...body },
  });
async function signedIn() {
  const email = `ada-${++keys}@example.com`;
  const password = 'correct horse';
  await handlers.call('sign-up', { body: { email, password, name: 'Ada' } });
  const { body } = await handlers.call('sign-in', { body: { email, password } });
  return { id: body.customerId as string, token: body.token as string };
}
const count = async (table: string) => {
  const [row] = await handlers.owner.unsafe(`select count(*)::integer as rows from ${table}`);
  return row!.rows as number;
};

describe('shipping methods', () => {
  test('are added, replaced, listed for an order, and deleted', async () => {
    const added = await put('shipping-method', 'letter', { ...parcel, position: 7, countries: null, currency: 'USD' });
    expect(added).toMatchObject({ status: 201, headers: { etag: '"1"' }, body: { code: 'letter', active: true } });
    expect(z.parse(putShippingMethod.responses[201], added.body)).toEqual(added.body);
    const again = await put('shipping-method', 'letter', { ...parcel, active: false }, { 'If-Match': '"1"' });
    expect(again).toMatchObject({ status: 200, headers: { etag: '"2"' }, body: { version: 2, position: 0 } });
    expect(await put('shipping-method', 'letter', parcel, { 'If-Match': '"1"' })).toMatchObject({
      status: 412,
      body: { code: 'version-stale' },
    });
    expect(await put('shipping-method', 'pigeon', parcel, { 'If-Match': '"1"' })).toMatchObject({ status: 412 });

    await put('shipping-method', 'boat', { ...parcel, countries: ['FR'], position: 3 });
    const codes = async (query: Record<string, string>, token?: string) => {
      const { body } = await handlers.call('list-shipping-methods', { query, ...(token ? { token } : {}) });
      expect(z.parse(listShippingMethods.responses[200], body)).toEqual(body);
      return body.data.map(({ code }: { code: string }) => code);
    };
    expect(await codes({})).toEqual(['parcel', 'boat']);
    expect(await codes({ country: 'DE', currency: 'EUR' })).toEqual(['parcel']);
    expect(await codes({ country: 'FR' })).toEqual(['boat']);
    await put('shipping-method', 'anywhere', { ...parcel, countries: null, position: 9 });
    expect(await codes({ country: 'FR' })).toEqual(['boat', 'anywhere']);
    expect((await remove('shipping-method', 'anywhere')).status).toBe(204);
    expect(await codes({ currency: 'USD' })).toEqual([]);
    expect(await codes({}, office)).toEqual(['letter', 'parcel', 'boat']);
    expect((await remove('shipping-method', 'boat')).status).toBe(204);
    expect(await remove('shipping-method', 'boat')).toMatchObject({ status: 404 });
  });

  test('are two hundred at most; those that there are can still be replaced', async () => {
    const [before] = await handlers.owner`select count(*)::integer as all from pricing.shipping_methods`;
    await handlers.owner`
      insert into pricing.shipping_methods (code, name, position, currency, cost, active, created_at, updated_at)
      select 'full-' || n, 'Full', 0, 'EUR', '{"type": "flat", "amount": 1}', false, now(), now()
      from generate_series(1, ${200 - before!.all}::integer) n`;
    const refused = await put('shipping-method', 'one-more', parcel);
    expect(refused).toMatchObject({ status: 409, body: { code: 'too-many-shipping-methods' } });
    expect(await put('shipping-method', 'full-1', parcel)).toMatchObject({ status: 200 });
    expect((await remove('shipping-method', 'full-1')).status).toBe(204);
    expect(await put('shipping-method', 'one-more', parcel)).toMatchObject({ status: 201 });
    await handlers.owner`delete from pricing.shipping_methods where code like 'full-%' or code = 'one-more'`;
  });

  test('that somebody adds meanwhile are not replaced unseen', async () => {
    const all = await Promise.all([1, 2, 3, 4].map(() => put('shipping-method', 'raced', parcel)));
    expect(all.map(({ status }) => status).filter((status) => ![200, 201, 412].includes(status))).toEqual([]);
    const again = await put('shipping-method', 'raced', parcel, { 'If-None-Match': all[0]!.headers.etag! });
    expect([200, 412]).toContain(again.status);
    const { version } = (await put('shipping-method', 'raced', parcel)).body;
    const unseen = await put('shipping-method', 'raced', parcel, { 'If-None-Match': `"${version}"` });
    expect(unseen).toMatchObject({ status: 412, body: { code: 'version-stale' } });
    await remove('shipping-method', 'raced');
  });

  test.each<[object, string]>([
    [{ countries: ['UK'] }, '/countries/0'],
    [{ countries: [] }, '/countries'],
    [{ cost: { type: 'flat', amount: -1 } }, '/cost/amount'],
    [{ cost: { type: 'by-weight', tiers: [] } }, '/cost/tiers'],
    [
      {
        cost: {
          type: 'by-total',
          tiers: [
            { upTo: 5, amount: 1 },
            { upTo: 5, amount: 2 },
          ],
        },
      },
      '/cost/tiers',
    ],
    [
      {
        cost: {
          type: 'by-total',
          tiers: [
            { upTo: null, amount: 1 },
            { upTo: 5, amount: 2 },
          ],
        },
      },
      '/cost/tiers',
    ],
    [{ currency: 'XXX' }, '/currency'],
  ])('%j is refused', async (wrong, pointer) => {
    expect(await put('shipping-method', 'wrong', { ...parcel, ...wrong })).toMatchObject({
      status: 400,
      body: { code: 'invalid-input', errors: [{ pointer }] },
    });
    expect(await handlers.owner`select from pricing.shipping_methods where code = 'wrong'`).toHaveLength(0);
  });
});

describe('tax rates', () => {
  test('are added, replaced, listed and deleted; two at a time are refused', async () => {
    const french = { name: 'TVA', country: 'FR', rate: 200_000, validTo: '2027-01-01T00:00:00Z' };
    const added = await put('tax-rate', 'fr-2026', french);
    expect(added).toMatchObject({ status: 201, body: { taxClass: 'standard', region: null, validFrom: null } });
    expect(z.parse(putTaxRate.responses[201], added.body)).toEqual(added.body);
    const next = { name: 'TVA', country: 'FR', rate: 210_000, validFrom: '2026-12-31T23:59:59Z' };
    expect(await put('tax-rate', 'fr-2027', next)).toMatchObject({ status: 409, body: { code: 'tax-rate-overlaps' } });
    expect(await put('tax-rate', 'fr-2027', { ...next, validFrom: '2027-01-01T00:00:00Z' })).toMatchObject({
      status: 201,
    });
    expect(await put('tax-rate', 'fr-2027', next)).toMatchObject({ status: 409 });
    expect(await put('tax-rate', 'fr-corse', { ...next, region: ' Corse ' })).toMatchObject({
      status: 201,
      body: { region: 'CORSE' },
    });
    const list = (query: Record<string, string>) => handlers.call('list-tax-rates', { token: office, query });
    const first = await list({ country: 'FR', limit: '2' });
    expect(z.parse(listTaxRates.responses[200], first.body)).toEqual(first.body);
    const rest = await list({ country: 'FR', limit: '2', cursor: first.body.nextCursor });
    const codes = [...first.body.data, ...rest.body.data].map(({ code }: { code: string }) => code);
    expect(codes).toEqual(['fr-2026', 'fr-2027', 'fr-corse']);
    expect(await list({ limit: '2', cursor: first.body.nextCursor })).toMatchObject({
      body: { code: 'invalid-cursor' },
    });
    const everywhere = (await list({})).body.data.map(({ code }: { code: string }) => code);
    expect(everywhere).toEqual(['at-standard', 'de-standard', ...codes]);
    expect(await listTaxRatesIn(handlers.owner as never, { after: undefined, limit: 1 })).toHaveLength(1);
    for (const code of codes) expect((await remove('tax-rate', code)).status).toBe(204);
    expect(await remove('tax-rate', 'fr-2026')).toMatchObject({ status: 404 });
  });

  test.each<[object, string]>([
    [{ rate: 1_000_001 }, '/rate'],
    [{ country: 'XX' }, '/country'],
    [{ validFrom: '2027-01-01T00:00:00Z', validTo: '2027-01-01T00:00:00Z' }, '/validTo'],
  ])('%j is refused', async (wrong, pointer) => {
    const answer = await put('tax-rate', 'wrong', { name: 'VAT', country: 'NL', rate: 1, ...wrong });
    expect(answer).toMatchObject({ status: 400, body: { errors: [{ pointer }] } });
  });
});

test('what the database refuses for another reason is not explained as something else', async () => {
  const change = { condition: {}, at: new Date() };
  const rate = { name: 'VAT', country: 'NL', region: null, taxClass: 'standard', rate: -1, reverseCharge: false };
  const always = { validFrom: null, validTo: null };
  const sql = handlers.owner as never;
  const refused = { name: 'PostgresError', code: '23514' };
  await expect(replaceTaxRate(sql, 'nl-wrong', { ...rate, ...always }, change)).rejects.toMatchObject(refused);
  const coupon = {
    ...always,
    value: { type: 'percent' as const, percent: 101 },
    usageLimit: null,
    customerLimit: null,
  };
  await expect(replaceCoupon(sql, 'WRONG', coupon, change)).rejects.toMatchObject(refused);
});

describe('coupons', () => {
  test('are added, replaced, read and listed, in upper or lower case', async () => {
    const added = await put('coupon', 'tea-5', { value: { type: 'amount', amount: euros(500) }, usageLimit: 3 });
    expect(added).toMatchObject({ status: 201, body: { code: 'TEA-5', used: 0, usageLimit: 3, customerLimit: null } });
    expect(z.parse(putCoupon.responses[201], added.body)).toEqual(added.body);
    const changed = await put(
      'coupon',
      'TEA-5',
      { value: { type: 'free-shipping' } },
      { 'If-Match': added.headers.etag! },
    );
    expect(changed).toMatchObject({ status: 200, body: { value: { type: 'free-shipping' }, usageLimit: null } });
    const read = await handlers.call('get-coupon', { token: office, parameters: { code: 'Tea-5' } });
    expect(read).toMatchObject({ status: 200, headers: { etag: '"2"' } });
    expect(read.body).toEqual(changed.body);
    expect(await handlers.call('get-coupon', { token: office, parameters: { code: 'TEA-6' } })).toMatchObject({
      status: 404,
    });
    await put('coupon', 'A-TENTH', percent(10));
    const tenth = await handlers.call('get-coupon', { token: office, parameters: { code: 'A-TENTH' } });
    expect(tenth.body.value).toEqual({ type: 'percent', percent: 10 });
    const page = (query: object) => handlers.call('list-coupons', { token: office, query: { limit: '1', ...query } });
    const first = await page({});
    const second = await page({ cursor: first.body.nextCursor });
    expect([first, second].map(({ body }) => body.data.map(({ code }: { code: string }) => code))).toEqual([
      ['A-TENTH'],
      ['TEA-5'],
    ]);
    expect(await listCouponsIn(handlers.owner as never, { after: undefined, limit: 1 })).toHaveLength(1);
    const list = await handlers.call('list-coupons', { token: office });
    expect(z.parse(listCoupons.responses[200], list.body)).toEqual(list.body);
    expect(list.body.data).toContainEqual(read.body);
  });

  test.each<[object, string]>([
    [{ value: { type: 'percent', percent: 0 } }, '/value/percent'],
    [{ value: { type: 'percent', percent: 101 } }, '/value/percent'],
    [{ value: { type: 'amount', amount: euros(0) } }, '/value/amount/amount'],
    [{ ...percent(1), customerLimit: 0 }, '/customerLimit'],
    [{ ...percent(1), validFrom: '2027-01-02T00:00:00Z', validTo: '2027-01-01T00:00:00Z' }, '/validTo'],
  ])('%j is refused', async (wrong, pointer) => {
    expect(await put('coupon', 'WRONG', wrong)).toMatchObject({ status: 400, body: { errors: [{ pointer }] } });
  });

  test('are for the back office alone', async () => {
    const weak = await handlers.appKey('catalog:read');
    expect(await handlers.call('list-coupons', { token: weak })).toMatchObject({ status: 403 });
    expect(await handlers.call('list-coupons', {})).toMatchObject({ status: 401 });
  });
});

describe('an order', () => {
  const german = { shippingMethod: 'parcel', shippingAddress: address('DE') };

  test('costs what its quote says: the same object, and the same total', async () => {
    const { token } = await signedIn();
    await put('coupon', 'QUOTED', percent(25));
    const asked = { ...german, couponCode: 'quoted' };
    const quoted = await ask(asked, token);
    expect(quoted).toMatchObject({
      status: 200,
      body: {
        lines: [{ discount: euros(500), tax: euros(285), taxRate: 190_000 }],
        subtotal: euros(2000),
        discount: { ...euros(500), reason: 'coupon' },
        couponCode: 'QUOTED',
        shipping: { ...euros(500), method: 'parcel', tax: euros(95), taxRate: 190_000 },
        tax: { ...euros(380), included: false, reverseCharge: false },
        total: euros(2380),
      },
    });
    expect(z.parse(quote, quoted.body)).toEqual(quoted.body);
    const placed = await place({ ...asked, expectedTotal: quoted.body.total }, token);
    expect(placed).toMatchObject({ status: 202, body: quoted.body });
    const read = await handlers.call('get-order', { token, parameters: { orderId: placed.body.id } });
    expect(read.body).toMatchObject(quoted.body);
  });

  test('is not placed at another price than expected, and says the new one', async () => {
    const { token } = await signedIn();
    const quoted = (await ask(german, token)).body;
    await put('shipping-method', 'parcel', { ...parcel, cost: { type: 'flat', amount: 700 } });
    const orders = await count('orders.orders');
    const refused = await place({ ...german, expectedTotal: quoted.total }, token);
    expect(refused).toMatchObject({ status: 409, body: { code: 'total-changed', quote: { total: euros(3213) } } });
    expect(refused.body.quote).toEqual((await ask(german, token)).body);
    const dollars = { amount: 3213, currency: 'USD' };
    expect(await place({ ...german, expectedTotal: dollars }, token)).toMatchObject({
      body: { code: 'total-changed' },
    });
    expect(await count('orders.orders')).toBe(orders);
    expect(await place({ ...german, expectedTotal: refused.body.quote.total }, token)).toMatchObject({ status: 202 });
    await put('shipping-method', 'parcel', parcel);
  });

  test.each<[string, object, number, string]>([
    ['no shipping method', { shippingAddress: address('DE') }, 422, 'shipping-method-missing'],
    ['no address', { shippingMethod: 'parcel' }, 422, 'shipping-address-missing'],
    ['an unknown shipping method', { ...german, shippingMethod: 'pigeon' }, 422, 'shipping-method-unavailable'],
    [
      'a country that the method does not serve',
      { ...german, shippingAddress: address('FR') },
      422,
      'shipping-method-unavailable',
    ],
    ['a tax class without a rate', { ...german, lines: 'book' }, 422, 'tax-rate-missing'],
    ['an unknown coupon', { ...german, couponCode: 'NOBODY' }, 422, 'coupon-unknown'],
    ['an expired coupon', { ...german, couponCode: 'EXPIRED' }, 422, 'coupon-not-valid'],
    ['a coupon that is not valid yet', { ...german, couponCode: 'FUTURE' }, 422, 'coupon-not-valid'],
    ['a used up coupon', { ...german, couponCode: 'USED-UP' }, 409, 'coupon-used-up'],
    ['a coupon in dollars', { ...german, couponCode: 'DOLLARS' }, 422, 'coupon-without-effect'],
  ])('with %s is refused, and nothing has changed', async (_what, body, status, code) => {
    const { token } = await signedIn();
    await put('coupon', 'EXPIRED', { ...percent(10), validTo: '2020-01-01T00:00:00Z' });
    await put('coupon', 'FUTURE', { ...percent(10), validFrom: '2120-01-01T00:00:00Z' });
    await put('coupon', 'USED-UP', { ...percent(10), usageLimit: 0 });
    await put('coupon', 'DOLLARS', { value: { type: 'amount', amount: { amount: 100, currency: 'USD' } } });
    const before = [await count('orders.orders'), await count('pricing.coupon_uses'), await count('outbox.events')];
    const request = { ...body, ...('lines' in body ? { lines: [{ productId: book, quantity: 1 }] } : {}) };
    expect(await place(request, token)).toMatchObject({ status, body: { code } });
    expect([await count('orders.orders'), await count('pricing.coupon_uses'), await count('outbox.events')]).toEqual(
      before,
    );
  });

  test('with a coupon that was used up since its quote is refused; a limit below its uses is refused too', async () => {
    const { token } = await signedIn();
    await put('coupon', 'LAST-ONE', { ...percent(50), usageLimit: 1 });
    const asked = { ...german, couponCode: 'LAST-ONE' };
    expect((await ask(asked, token)).status).toBe(200);
    const other = await signedIn();
    expect((await place(asked, other.token)).status).toBe(202);
    expect(await place(asked, token)).toMatchObject({ status: 409, body: { code: 'coupon-used-up' } });
    expect(await put('coupon', 'LAST-ONE', { ...percent(50), usageLimit: 0 })).toMatchObject({
      status: 409,
      body: { code: 'coupon-limit-too-low' },
    });
  });

  test('of a business with a verified VAT number is taxed by reverse charge, and by a claimed one is not', async () => {
    const { id, token } = await signedIn();
    const austrian = { shippingMethod: 'parcel', shippingAddress: address('AT', { vatNumber: 'ATU12345678' }) };
    expect((await ask(austrian, token)).body).toMatchObject({ tax: { ...euros(500), reverseCharge: false } });
    const verify = (verifiedVatNumber: string | null) =>
      handlers.call('update-customer', { token: office, parameters: { customerId: id }, body: { verifiedVatNumber } });
    expect(await verify('atu12345678')).toMatchObject({ status: 200, body: { verifiedVatNumber: 'ATU12345678' } });
    expect((await ask(austrian, token)).body).toMatchObject({
      tax: { ...euros(0), reverseCharge: true },
      total: euros(2500),
    });
    expect((await ask(german, token)).body).toMatchObject({ tax: { reverseCharge: false } });
    expect(await verify('12345678')).toMatchObject({ status: 400 });
    await verify(null);
    expect((await ask(austrian, token)).body).toMatchObject({ tax: { reverseCharge: false } });
  });
});

test('a quote without an address has no tax yet, and needs no shipping method', async () => {
  expect((await ask({})).body).toMatchObject({ shipping: null, tax: null, total: euros(2000) });
});
