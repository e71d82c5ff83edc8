import { setTimeout as sleep } from 'node:timers/promises';
import type { Order } from '../../lib/contract/api/orders.ts';
import { end, makeCheckout, removeCheckout, start } from './checkout.ts';
import { type Options, succeed } from './client.ts';
import { hasEnded, unique } from './shop.ts';

export const eur = (amount: number) => ({ amount, currency: 'EUR' });
export const units = (productId: string, quantity: number) => ({ productId, quantity });
export const berlin = { name: 'Grace', line1: 'Weg 1', postalCode: '10115', city: 'Berlin', country: 'DE' };

export type OwnShop = Awaited<ReturnType<typeof openOwnShop>>;

/** A shop on a stack of its own, with these settings: its visitors and guests, and its back office. */
export async function openOwnShop(settings: Record<string, string>) {
  const checkout = await makeCheckout();
  const running = await start(checkout, { RATE_LIMIT_PER_MINUTE: '1000000', ...settings });
  const baseUrl = `http://localhost:${checkout.port}`;
  const { appKey, clientId } = running.demo;
  const visitor = (options: Options): Options => ({ baseUrl, clientId, ...options });
  const office = (options: Options): Options => ({ baseUrl, token: appKey, ...options });
  const sendsTo = { shippingAddress: berlin, shippingMethod: 'parcel' };

  const shop = {
    /** What somebody sends who has the page of the shop open. */
    visitor,
    /** What an application sends that has every scope. */
    office,
    basket: () => ({
      lines: [units(running.demo.products[0]!.id, 2)],
      paymentMethod: 'pm_card_visa',
      ...sendsTo,
    }),
    /** @returns its id. There are 100 of it. */
    async newProduct(body: object): Promise<string> {
      const product = { sku: unique('E2E'), ...body };
      const { id } = (await succeed('create-product', 201, office({ key: unique('product'), body: product }))).body;
      const delivery = { quantity: 100, reason: 'e2e' };
      const movement = { key: unique('movement'), path: { productId: id }, body: delivery };
      await succeed('create-stock-movement', 201, office(movement));
      return id;
    },
    /** @returns its code */
    async newCoupon(body: object): Promise<string> {
      const code = unique('E2E').toUpperCase().slice(0, 40);
      await succeed('put-coupon', 201, office({ path: { code }, body }));
      return code;
    },
    async newCustomer(email = `${unique('buyer')}@example.com`) {
      const person = { email, password: unique('secret') };
      await succeed('sign-up', 202, visitor({ body: { ...person, name: 'Grace Hopper' } }));
      const { body } = await succeed('sign-in', 201, visitor({ body: person }));
      return { ...person, id: body.customerId, token: body.token };
    },
    /** An order that has ended, the token of its guest, and how the guest reads it again. */
    async orderAsGuest(wanted: object = {}, { key = unique('order'), email = `${unique('guest')}@example.com` } = {}) {
      const body = { ...shop.basket(), ...wanted, contact: { email } };
      const { body: placed, headers } = await succeed('place-order', 202, visitor({ key, body }));
      const token = headers.get('order-token') ?? '';
      const asGuest = visitor({ path: { orderId: placed.id }, headers: { 'order-token': token } });
      const read = async (): Promise<Order> => (await succeed('get-order', 200, asGuest)).body;
      await until(async () => hasEnded((await read()).status));
      return { order: await read(), token, read };
    },
    /** Packs what is said, or else all that is left, and ships it. */
    async ship(orderId: string, body: object): Promise<void> {
      const packing = { key: unique('pack'), path: { orderId }, body };
      const { id: fulfilmentId } = (await succeed('create-fulfilment', 201, office(packing))).body;
      await succeed('ship-fulfilment', 200, office({ path: { orderId, fulfilmentId }, body: {} }));
    },
    /** One unit comes back and can be sold again. @returns the id of the return */
    async takeBack(orderId: string, productId: string): Promise<string> {
      const lines = [{ ...units(productId, 1), reason: 'damaged' }];
      const asking = { key: unique('return'), path: { orderId }, body: { lines } };
      const { id: returnId } = (await succeed('request-return', 201, office(asking))).body;
      const arrived = { lines: [{ productId, restock: 1 }] };
      const receiving = { key: unique('receive'), path: { orderId, returnId }, body: arrived };
      await succeed('receive-return', 200, office(receiving));
      return returnId;
    },
    /** The token in the first mail to an address, once it is sent. */
    async mailedToken(email: string): Promise<string> {
      const token = () =>
        running
          .output()
          .split(`e-mail to ${email}: `)[1]
          ?.match(/cfe_[\w-]{43}/)?.[0];
      await until(async () => token() !== undefined);
      return token()!;
    },
    async close(): Promise<void> {
      if (running.process.exitCode === null) await end(running, 'SIGKILL');
      await removeCheckout(checkout);
    },
  };
  return shop;
}

/** Waits until it is met. The test's own time-out ends the patience. */
export async function until(met: () => Promise<boolean>): Promise<void> {
  while (!(await met())) await sleep(50);
}
