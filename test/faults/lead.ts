import { setTimeout as pause } from 'node:timers/promises';
import { newId } from '../../lib/kernel/ids.ts';
import { captureRefused, refundRefused } from '../../lib/shop/payments/gateway.ts';
import { settleSimulated } from '../../lib/shop/payments/simulated.dynamo.ts';
import type { Delivery } from './faults.ts';
import type { Doing, Mishap, Scenario } from './scenarios.ts';
import type { World } from './world.ts';

/** Places the order of a scenario, and waits until its saga has ended or rests. */
export async function placeFor(
  { saga }: World,
  { units = 10, price = 1000, paymentMethod, captureAt, hasNoOrder }: Scenario,
) {
  const productId = await saga.product(units, price);
  const lines = [{ productId, quantity: 2 }];
  if (hasNoOrder) return { id: await chargeNobody(saga), productId };
  const couponCode = price === 0 ? undefined : await addCoupon(saga);
  const { id } = await saga.place(lines, {
    captureAt,
    couponCode,
    ...(paymentMethod === undefined ? {} : { paymentMethod }),
  });
  return { id, productId };
}

/** A coupon for one order, so that a use that is lost or counted twice shows. */
async function addCoupon({ owner, clock }: World['saga']): Promise<string> {
  const code = newId('request', clock).slice(4).toUpperCase();
  await owner`
    insert into pricing.coupons (code, kind, amount, currency, usage_limit, created_at, updated_at)
    values (${code}, 'amount', 1, 'EUR', 1, now(), now())`;
  return code;
}

/** Charges for an order that is not there, and has the charge given back. */
async function chargeNobody({ clock, gateway, startCompensating, states }: World['saga']): Promise<string> {
  const orderId = newId('order', clock);
  const order = { orderId, amount: 2000, currency: 'EUR' };
  const { provider, reference } = await gateway.charge({ ...order, paymentMethod: 'pm_card_visa' });
  await startCompensating({ ...order, reason: 'orphaned-charge', payment: { provider, reference } });
  await states.idle();
  return orderId;
}

/** Does what the customer does about a payment that waits for it, if it still waits. */
export async function actOnPayment({ saga }: World, { customer }: Scenario, orderId: string): Promise<void> {
  const [order] = await saga.owner`select status from orders.orders where id = ${orderId}`;
  if (order?.status !== 'pending_payment') return;
  if (customer === 'never acts') {
    saga.clock.advance(901_000);
    while ((await saga.order(orderId)).status === 'pending_payment') await pause(5);
  } else if (customer === 'cancels') await saga.cancel(orderId);
  else await settleAndTell(saga, orderId, customer === 'does not authenticate' ? 'fail' : 'complete');
  await saga.states.idle();
}

/** The customer acts, and the provider tells the shop. */
export async function settleAndTell(saga: World['saga'], orderId: string, outcome: 'complete' | 'fail'): Promise<void> {
  await settleSimulated({ client: saga.dynamo.documents, table: 'charges' }, orderId, outcome);
  await saga.resumeSaga(orderId);
}

/** Does one thing with an order whose saga has ended, to its end. */
export async function doAfterwards(world: World, what: Doing, orderId: string): Promise<void> {
  const { saga, manualReview } = world;
  if (what === 'the customer cancels' || what === 'what has not shipped is cancelled') await saga.cancel(orderId);
  else if (what === 'a unit is cancelled') await world.cancelUnit(orderId);
  else if (what === 'a person retries the compensation') await manualReview.retry(orderId);
  else if (what === 'its payment is captured') await world.capture(orderId);
  else if (what === 'a parcel ships') await world.ship(orderId, saga.startCapturing);
  else if (what === 'a parcel ships and no saga starts') await world.ship(orderId, nobodyStarts);
  else await world.refundPart(orderId, 700);
  await saga.states.idle();
}

const nobodyStarts = () => Promise.reject(new Error('Step Functions does not answer'));

/** How a delivery is to go: `number` counts those of its step from 1. */
type Going = { mishap: Mishap | undefined; number: number; isSeenTo: boolean };

/** A delivery that goes as a scenario says it must. */
export async function deliverWith({ mishap, number, isSeenTo }: Going, { step, next }: Delivery): Promise<unknown> {
  switch (mishap) {
    case 'does it and never answers':
      await next();
      throw new Error('never answers');
    case 'fails':
      throw new Error('fails');
    case 'fails until a person sees to it':
      if (!isSeenTo) throw new Error('fails');
      return next();
    case 'is refused':
      throw step === 'CapturePayment' ? captureRefused('not_capturable') : refundRefused('disputed');
    case 'fails for a while':
      // For longer than one execution asks, so that the sweeper has to start another.
      if (number <= 10) throw new Error('fails for a while');
      return next();
    case undefined:
      return next();
  }
}
