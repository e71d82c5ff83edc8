import { parseArgs } from 'node:util';
import { type Api, ApiProblem, connect, type Line, type Order, type Product, type Quote, unwrap } from '../client.ts';
import { formatMoney } from '../money.ts';
import { readStage, stageOptions } from '../stage.ts';
import { hasEnded } from '../web-shop/shop.ts';
import { check, checkBill, layOut, paidFor, paidForShipping } from './bill.ts';

const usage = `npm run example:walk

  --demo FILE    the shop to work in, as npm start writes it (.local/demo.json)
  --url ADDRESS --client-id ID --app-key KEY   another shop; it needs a mug and a teapot in stock

Each run places an order of its own.
`;

const coupon = { code: 'WALK-20', percent: 20 };
const shippingAddress = { name: 'Ada Byron', line1: 'Hauptstraße 5', postalCode: '8010', city: 'Graz', country: 'AT' };

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { ...stageOptions, help: { type: 'boolean', short: 'h', default: false } },
  });
  if (values.help) return console.log(usage);
  const { baseUrl, clientId, appKey } = await readStage(values);
  if (clientId === undefined || appKey === undefined) {
    throw new Error(
      'Give the id of a web application by --client-id and the key of a server application by --app-key.',
    );
  }
  const shop = connect(baseUrl, { 'Client-Id': clientId });
  const asGuest = (token: string) => connect(baseUrl, { 'Client-Id': clientId, 'Order-Token': token });
  const office = connect(baseUrl, { Authorization: `Bearer ${appKey}` });

  say('1. A visitor searches.');
  const [mug, teapot] = [await search(shop, 'mug'), await search(shop, 'teapot')];

  say('2. The basket is quoted with an address, shipping, tax and a coupon.');
  const basket = await fillBasket(shop, office, [
    { productId: mug.id, quantity: 4 },
    { productId: teapot.id, quantity: 1 },
  ]);
  const quote = await unwrap(shop.POST('/quotes', { body: basket }));
  checkBill(quote, coupon.percent);
  say(layOut(quote));

  say('3. A guest orders it at that price.');
  const { order, guest } = await orderAsGuest(shop, asGuest, { basket, quote });
  const read = () => unwrap(guest.GET('/orders/{orderId}', { params: { path: { orderId: order.id } } }));
  say(`   ${order.number} is ${order.status}, its payment ${order.payment?.status}.`);
  await refuseStranger(shop, order);

  say('4. The shop sends it in two parcels.');
  await ship(office, order, { lines: [{ productId: mug.id, quantity: 2 }], carrier: 'DHL' });
  // A shop that captures at shipment takes the money now.
  const paid = await until(read, ({ payment }) => payment?.status === 'captured');
  say(`   The order is ${paid.fulfilmentStatus}, its payment ${paid.payment?.status}.`);
  check('the status after one parcel', paid.fulfilmentStatus, 'partially_fulfilled');

  say('5. The guest wants a mug less, which has not shipped.');
  const mugs = quote.lines.find(({ productId }) => productId === mug.id)!;
  const cancelled = await cancelOne(office, order, mug);
  await until(read, ({ payment }) => payment?.refunded.amount === cancelled.amount);
  say(`   It is not sent, and ${formatMoney(cancelled, 'en')} go back.`);
  await ship(office, order, { carrier: 'DHL' });
  check('the status after both parcels', (await read()).fulfilmentStatus, 'fulfilled');

  say('6. The other mugs come back, and one is broken.');
  const returnId = await takeBack(office, order, mug);

  say('7. The shop gives back what was paid for them.');
  const refunded = await refund(office, order, returnId);
  const back = { ...refunded, amount: refunded.amount + cancelled.amount };
  check('what went back', back.amount, paidFor(mugs, quote));
  say(`   ${formatMoney(refunded, 'en')} go back.`);

  say('8. The order reads right, to the cent.');
  const last = await read();
  checkLast(last, { quote, refunded: back.amount, mug });
  say(layOut(last));
  const kept = { ...last.total, amount: last.total.amount - back.amount };
  say(
    `   paid ${formatMoney(last.total, 'en')}, given back ${formatMoney(back, 'en')}, kept ${formatMoney(kept, 'en')}`,
  );
}

/** The best match that can be ordered now. */
async function search(shop: Api, words: string): Promise<Product> {
  const { data } = await unwrap(shop.GET('/products', { params: { query: { q: words, inStock: 'true', limit: 1 } } }));
  const [found] = data;
  if (found === undefined) throw new Error(`The shop has no ${words} in stock.`);
  say(`   “${words}” finds ${found.name} for ${formatMoney(found.price, 'en')}.`);
  return found;
}

type Basket = Awaited<ReturnType<typeof fillBasket>>;

/** A basket with the first shipping method that serves its address, and a coupon that the back office has made for it. */
async function fillBasket(shop: Api, office: Api, lines: Line[]) {
  const { code, percent } = coupon;
  await unwrap(
    office.PUT('/coupons/{code}', { params: { path: { code } }, body: { value: { type: 'percent', percent } } }),
  );
  const query = { country: shippingAddress.country, currency: 'EUR' };
  const { data } = await unwrap(shop.GET('/shipping-methods', { params: { query } }));
  const [method] = data;
  if (method === undefined) throw new Error(`The shop does not ship to ${query.country}.`);
  return { lines, shippingAddress, shippingMethod: method.code, couponCode: code };
}

/** @returns the order when it has ended, and the API as its guest calls it */
async function orderAsGuest(
  shop: Api,
  asGuest: (token: string) => Api,
  { basket, quote }: { basket: Basket; quote: Quote },
): Promise<{ order: Order; guest: Api }> {
  const answer = await shop.POST('/orders', {
    params: { header: { 'Idempotency-Key': crypto.randomUUID(), Prefer: 'wait=10' } },
    body: {
      ...basket,
      expectedTotal: quote.total,
      contact: { email: 'guest@example.com' },
      paymentMethod: 'pm_card_visa',
    },
  });
  const { id } = await unwrap(Promise.resolve(answer));
  // Shown once: a shop keeps it, for example in the link of the page that shows the order.
  const token = answer.response.headers.get('order-token');
  if (token === null) throw new Error('The answer has no Order-Token.');
  const guest = asGuest(token);
  const read = () => unwrap(guest.GET('/orders/{orderId}', { params: { path: { orderId: id } } }));
  const order = await until(read, hasEnded);
  check('the status', order.status, 'confirmed');
  checkBill(order, coupon.percent);
  for (const part of ['subtotal', 'discount', 'couponCode', 'shipping', 'tax', 'total'] as const) {
    check(`the ${part} of the order`, order[part], quote[part]);
  }
  return { order, guest };
}

async function refuseStranger(shop: Api, { id, number }: Order): Promise<void> {
  const { response } = await shop.GET('/orders/{orderId}', { params: { path: { orderId: id } } });
  check('the answer to somebody without the token', response.status, 401);
  say(`   Without its Order-Token, ${number} is shown to nobody.`);
}

/** Packs what `body` says, or else all that is left, and hands it to the carrier. */
async function ship(office: Api, { id: orderId }: Order, body: { lines?: Line[]; carrier: string }): Promise<void> {
  const header = { 'Idempotency-Key': crypto.randomUUID() };
  const packing = { params: { path: { orderId }, header }, body };
  const { id: fulfilmentId, lines } = await unwrap(office.POST('/orders/{orderId}/fulfilments', packing));
  const path = { orderId, fulfilmentId };
  await unwrap(office.POST('/orders/{orderId}/fulfilments/{fulfilmentId}/shipped', { params: { path }, body: {} }));
  const units = lines.reduce((sum, { quantity }) => sum + quantity, 0);
  say(`   ${units} ${units === 1 ? 'unit is' : 'units are'} on the way with ${body.carrier}.`);
}

/** One unit, as the guest could by the `Order-Token` too. @returns what goes back for it */
async function cancelOne(office: Api, { id: orderId }: Order, { id: productId }: Product) {
  const header = { 'Idempotency-Key': crypto.randomUUID() };
  const body = { lines: [{ productId, quantity: 1 }] };
  const { lines } = await unwrap(
    office.POST('/orders/{orderId}/cancel', { params: { path: { orderId }, header }, body }),
  );
  check('the cancelled units', lines.find((line) => line.productId === productId)?.cancelled, 1);
  const { data } = await unwrap(office.GET('/orders/{orderId}/refunds', { params: { path: { orderId } } }));
  check('the refunds', data.length, 1);
  return data[0]!.amount;
}

/** All three mugs arrive: two can be sold again. A guest has no account, so the shop asks for them. @returns the return’s id */
async function takeBack(office: Api, { id: orderId }: Order, { id: productId }: Product): Promise<string> {
  const header = () => ({ 'Idempotency-Key': crypto.randomUUID() });
  const { id: returnId } = await unwrap(
    office.POST('/orders/{orderId}/returns', {
      params: { path: { orderId }, header: header() },
      body: { lines: [{ productId, quantity: 3, reason: 'damaged' }] },
    }),
  );
  const { lines } = await unwrap(
    office.POST('/orders/{orderId}/returns/{returnId}/receive', {
      params: { path: { orderId, returnId }, header: header() },
      body: { lines: [{ productId, restock: 2, writeOff: 1 }] },
    }),
  );
  say(`   ${lines[0]?.restocked} go back to the shelf, ${lines[0]?.writtenOff} does not.`);
  return returnId;
}

/** @returns what went back, when the payment provider has given it */
async function refund(office: Api, { id: orderId }: Order, returnId: string) {
  const requested = await unwrap(
    office.POST('/orders/{orderId}/refunds', {
      params: { path: { orderId }, header: { 'Idempotency-Key': crypto.randomUUID(), Prefer: 'wait=10' } },
      body: { returnId, reason: 'the mugs came back' },
    }),
  );
  const params = { path: { orderId, refundId: requested.id } };
  const read = () => unwrap(office.GET('/orders/{orderId}/refunds/{refundId}', { params }));
  const ended = await until(read, ({ status }) => status !== 'requested');
  check('the status of the refund', ended.status, 'succeeded');
  return ended.amount;
}

function checkLast(order: Order, { quote, refunded, mug }: { quote: Quote; refunded: number; mug: Product }): void {
  checkBill(order, coupon.percent);
  check('the total', order.total, quote.total);
  check('the status', [order.status, order.fulfilmentStatus], ['confirmed', 'fulfilled']);
  check('the payment', [order.payment?.status, order.payment?.refunded.amount], ['captured', refunded]);
  for (const { productId, quantity, shipped, returned } of order.lines) {
    const sent = productId === mug.id ? quantity - 1 : quantity;
    check('the units shipped and returned', [shipped, returned], [sent, productId === mug.id ? sent : 0]);
  }
  const kept = order.lines.filter(({ productId }) => productId !== mug.id).map((line) => paidFor(line, order));
  const shipping = paidForShipping(order);
  check(
    'what the shop keeps',
    order.total.amount - refunded,
    kept.reduce((sum, each) => sum + each, shipping),
  );
}

/** Reads each half second, for a minute at most, until it is as wanted. @throws Error */
async function until<T>(read: () => Promise<T>, met: (found: T) => boolean): Promise<T> {
  for (let tries = 1; ; tries++) {
    const found = await read();
    if (met(found)) return found;
    if (tries === 120) throw new Error(`After a minute it still is ${JSON.stringify(found)}`);
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

const say = (line: string): void => console.log(line);

main().catch((error: unknown) => {
  if (error instanceof ApiProblem) console.error(`${error.code}: ${error.message} (request ${error.requestId})`);
  else console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
