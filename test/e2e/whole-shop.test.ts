import { afterAll, beforeAll, describe, test } from 'vitest';
import { type Options, refused, succeed } from './client.ts';
import { berlin, eur, type OwnShop, openOwnShop, units, until } from './own-shop.ts';
import { unique } from './shop.ts';

/* On a stack of its own, whose prices are without tax and whose payments are captured at shipment. */
let shop: OwnShop;
let mug: string;
let pot: string;
let book: string;

beforeAll(async () => {
  shop = await openOwnShop({ TAX: 'excluded', CAPTURE_AT: 'shipment' });
  [mug, pot, book] = await Promise.all([
    shop.newProduct({ name: 'Cup', price: eur(1511) }),
    shop.newProduct({ name: 'Samovar', price: eur(6002) }),
    shop.newProduct({ name: 'Handbook', price: eur(777), taxClass: 'reduced' }),
  ]);
  const rate = { name: 'German VAT on books', country: 'DE', taxClass: 'reduced', rate: 70_000 };
  await succeed('put-tax-rate', 201, shop.office({ path: { code: 'de-reduced' }, body: rate }));
});

afterAll(() => shop?.close());

test('from the search to the refund each amount is right to the cent', async ({ expect }) => {
  const { body: found } = await succeed('list-products', 200, shop.visitor({ query: { q: 'samov' } }));
  expect(found.data.map(({ id }) => id)).toEqual([pot]);
  const couponCode = await shop.newCoupon({ value: { type: 'percent', percent: 15 } });
  const lines = [units(mug, 3), units(pot, 1), units(book, 2)];
  const wanted = { lines, shippingAddress: berlin, shippingMethod: 'express', couponCode };
  const { body: quote } = await succeed('create-quote', 200, shop.visitor({ body: wanted }));
  // 15 % of 120.89 are 18.1335. 19 % of 104.45 are 19.8455, 7 % of 13.21 are 0.9247.
  const priced = {
    subtotal: eur(12_089),
    discount: { ...eur(1813), reason: 'coupon' },
    lines: [
      { total: eur(4533), discount: eur(680), tax: eur(732), taxRate: 190_000 },
      { total: eur(6002), discount: eur(900), tax: eur(970), taxRate: 190_000 },
      { total: eur(1554), discount: eur(233), tax: eur(92), taxRate: 70_000 },
    ],
    shipping: { ...eur(1490), method: 'express', tax: eur(283), taxRate: 190_000 },
    tax: { ...eur(2077), included: false, reverseCharge: false },
    total: eur(13_843),
  };
  expect(quote).toMatchObject(priced);

  const guest = await shop.orderAsGuest({ ...wanted, expectedTotal: quote.total });
  const { id, number } = guest.order;
  expect(guest.order).toMatchObject({ ...priced, status: 'confirmed', payment: { status: 'authorized' } });
  const { body: byNumber } = await succeed('list-orders', 200, shop.office({ query: { number } }));
  expect(byNumber.data.map((order) => order.id)).toEqual([id]);

  await shop.ship(id, { lines: [units(mug, 2)] });
  await until(async () => (await guest.read()).payment?.status === 'captured');
  expect(await guest.read()).toMatchObject({ fulfilmentStatus: 'partially_fulfilled', payment: { refunded: eur(0) } });
  await shop.ship(id, {});

  const returned = await shop.takeBack(id, mug);
  const refund = (body: object) => shop.office({ key: unique('refund'), wait: 20, path: { orderId: id }, body });
  const byReturn = refund({ returnId: returned, reason: 'damaged' });
  // A third of 45.33, less a third of 6.80, and a third of 7.32.
  expect((await succeed('request-refund', 201, byReturn)).body).toMatchObject({
    status: 'succeeded',
    amount: eur(1528),
    lines: [{ productId: mug, quantity: 1, amount: eur(1528), discount: eur(227), tax: eur(244) }],
  });
  expect(await guest.read()).toMatchObject({
    ...priced,
    status: 'confirmed',
    fulfilmentStatus: 'fulfilled',
    payment: { status: 'captured', refunded: eur(1528) },
    lines: [
      { shipped: 3, returned: 1 },
      { shipped: 1, returned: 0 },
      { shipped: 2, returned: 0 },
    ],
  });

  // The rest of the line is what was paid for it, less what went back; shipping goes back with its tax.
  const rest = refund({ lines: [units(mug, 2)], shipping: true, reason: 'goodwill' });
  expect((await succeed('request-refund', 201, rest)).body).toMatchObject({
    amount: eur(4585 - 1528 + 1773),
    lines: [{ amount: eur(4585 - 1528) }],
    shipping: eur(1773),
  });
  expect((await guest.read()).payment!.refunded).toEqual(eur(4585 + 1773));
  const { body: coupon } = await succeed('get-coupon', 200, shop.office({ path: { code: couponCode } }));
  expect(coupon.used).toBe(1);
});

describe('an order of a guest', () => {
  test('is shown to who has its token, and to nobody else', async ({ expect }) => {
    const key = unique('order');
    const email = `${unique('guest')}@example.com`;
    const [{ order, token, read }, other] = [await shop.orderAsGuest({}, { key, email }), await shop.orderAsGuest()];
    expect(order).toMatchObject({ customerId: null, contact: { email } });
    const again = await shop.orderAsGuest({}, { key, email });
    expect([again.order.id, again.token]).toEqual([order.id, token]);
    expect(await read()).toMatchObject({ id: order.id });
    const path = { orderId: order.id };
    for (const operation of ['get-order', 'get-order-timeline', 'cancel-order'] as const) {
      await refused(operation, 401, 'unauthenticated', shop.visitor({ path }));
      const wrong = { 'order-token': other.token };
      await refused(operation, 404, 'not-found', shop.visitor({ path, headers: wrong }));
      const { token: stranger } = await shop.newCustomer();
      await refused(operation, 404, 'not-found', shop.visitor({ path, token: stranger }));
    }
    await refused('list-orders', 401, 'unauthenticated', shop.visitor({}));
    await refused('place-order', 422, 'contact-missing', shop.visitor({ key: unique('order'), body: shop.basket() }));
  });

  test('changes until a parcel ships', async ({ expect }) => {
    const { order, token, read } = await shop.orderAsGuest();
    const asGuest = { path: { orderId: order.id }, headers: { 'order-token': token } };
    const change = (body: object) => shop.visitor({ ...asGuest, body });
    const moved = { ...berlin, line1: 'Nebenweg 2' };
    const { body: changed } = await succeed('update-order', 200, change({ shippingAddress: moved }));
    expect(changed).toMatchObject({ shippingAddress: moved, total: order.total });
    const abroad = { ...berlin, country: 'AT', postalCode: '8010' };
    await refused('update-order', 409, 'address-changes-price', change({ shippingAddress: abroad }));
    await refused('update-order', 422, 'contact-missing', change({ contact: null }));
    const elsewhere = { ...berlin, postalCode: 'x' };
    await refused('update-order', 422, 'postal-code-invalid', change({ shippingAddress: elsewhere }));
    const { body: timeline } = await succeed('get-order-timeline', 200, shop.visitor(asGuest));
    expect(timeline.data.at(-1)).toMatchObject({
      type: 'details-changed',
      detail: { changed: ['shippingAddress'], by: 'guest' },
    });
    await shop.ship(order.id, {});
    await refused('update-order', 409, 'order-shipped', change({ shippingAddress: berlin }));
    const path = { orderId: order.id };
    await refused('update-order', 409, 'order-shipped', shop.office({ path, body: { note: 'too late' } }));
    await refused('cancel-order', 409, 'order-shipped', shop.visitor(asGuest));
    expect(await read()).toMatchObject({ shippingAddress: moved, note: null });
  });

  test('shows its parcels and takes returns with its token alone', async ({ expect }) => {
    const key = unique('return');
    const [{ order, token }, other] = [await shop.orderAsGuest(), await shop.orderAsGuest()];
    for (const { id } of [order, other.order]) await shop.ship(id, {});
    const of = (rest: Options = {}, orderToken = token) =>
      shop.visitor({ ...rest, path: { orderId: order.id, ...rest.path }, headers: { 'order-token': orderToken } });
    const { body: parcels } = await succeed('list-fulfilments', 200, of());
    expect(parcels.data).toMatchObject([{ orderId: order.id, status: 'shipped' }]);
    const { productId } = order.lines[0]!;
    const body = { lines: [{ ...units(productId, 1), reason: 'damaged' }] };
    const { body: asked } = await succeed('request-return', 201, of({ key, body }));
    expect((await succeed('request-return', 201, of({ key, body }))).body).toEqual(asked);
    const parcel = { path: { fulfilmentId: parcels.data[0]!.id } };
    const back = { path: { returnId: asked.id } };
    expect((await succeed('get-fulfilment', 200, of(parcel))).body).toEqual(parcels.data[0]);
    expect((await succeed('get-return', 200, of(back))).body).toEqual(asked);
    expect((await succeed('list-returns', 200, of())).body.data).toEqual([asked]);

    const { token: stranger } = await shop.newCustomer();
    const reads = [
      ['list-fulfilments', {}],
      ['list-returns', {}],
      ['get-fulfilment', parcel],
      ['get-return', back],
    ] as const;
    for (const [operation, rest] of [...reads, ['request-return', { key, body }] as const]) {
      await refused(operation, 404, 'not-found', of(rest, other.token));
      await refused(operation, 404, 'not-found', { ...of(rest), headers: {}, token: stranger });
      await refused(operation, 401, 'unauthenticated', { ...of(rest), headers: {} });
    }
    // Neither goods nor money: those are for applications with a key.
    await refused(
      'receive-return',
      401,
      'unauthenticated',
      of({ ...back, key: unique('receive'), body: { lines: [{ productId, restock: 1 }] } }),
    );
    await refused('ship-fulfilment', 401, 'unauthenticated', of({ ...parcel, body: {} }));
    await refused(
      'request-refund',
      401,
      'unauthenticated',
      of({ key: unique('refund'), body: { returnId: asked.id, reason: 'x' } }),
    );
  });

  test('joins the account of who confirms its e-mail address', async ({ expect }) => {
    const email = `${unique('joins')}@example.com`;
    const { order, token } = await shop.orderAsGuest({}, { email });
    await shop.ship(order.id, {});
    const lines = [{ ...units(order.lines[0]!.productId, 1), reason: 'damaged' }];
    const asking = shop.visitor({
      ...{ key: unique('return'), path: { orderId: order.id }, body: { lines } },
      headers: { 'order-token': token },
    });
    await succeed('request-return', 201, asking);
    const customer = await shop.newCustomer(email);
    const listed = async () =>
      (await succeed('list-orders', 200, shop.visitor({ token: customer.token }))).body.data.map(({ id }) => id);
    expect(await listed()).toEqual([]);
    const { password } = customer;
    await succeed('confirm-email', 204, shop.visitor({ body: { token: await shop.mailedToken(email), password } }));
    const { body: session } = await succeed('sign-in', 201, shop.visitor({ body: { email, password } }));
    const own = await succeed('list-orders', 200, shop.visitor({ token: session.token }));
    expect(own.body.data).toMatchObject([{ id: order.id, customerId: customer.id, contact: { email } }]);
    const path = { orderId: order.id };
    const late = shop.visitor({ path, headers: { 'order-token': token } });
    for (const operation of ['get-order', 'list-fulfilments', 'list-returns'] as const) {
      await refused(operation, 404, 'not-found', late);
    }
    await refused('request-return', 404, 'not-found', asking);
  });
});

test('a back office orders on behalf of a customer, whose order it is', async ({ expect }) => {
  const { id: customerId, token } = await shop.newCustomer();
  const placing = (body: object) =>
    shop.office({ key: unique('order'), wait: 20, body: { ...shop.basket(), ...body } });
  const { body: order, headers } = await succeed('place-order', 201, placing({ customerId }));
  expect(order).toMatchObject({ customerId, placedBy: expect.stringMatching(/^app_/), status: 'confirmed' });
  expect(headers.get('order-token')).toBeNull();
  const path = { orderId: order.id };
  expect((await succeed('get-order', 200, shop.visitor({ token, path }))).body).toMatchObject({ id: order.id });
  await refused('place-order', 422, 'customer-unknown', placing({ customerId: `cus_${'0'.repeat(32)}` }));
  const another = (await shop.newCustomer()).id;
  const wish = { ...shop.basket(), customerId: another };
  await refused('place-order', 403, 'forbidden', shop.visitor({ token, key: unique('order'), body: wish }));
});
