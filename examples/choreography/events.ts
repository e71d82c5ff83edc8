import * as z from 'zod/mini';
import { id, money } from '../../lib/contract/api/common.ts';
import { defineEvent, type EventOf } from '../../lib/contract/events/define-event.ts';

/** The `source` of the example's events on the bus. They are none of the product's. */
export const source = 'counterfoil.example.choreography';

const data = { orderId: id('order') };
const example = { orderId: 'ord_0197f3a1c0de7a1b8c2d3e4f5a6b7c8d' };
const define = <const Type extends `${string}.${string}`>(type: Type, description: string) =>
  defineEvent(type, 1, { description, data, example });

export const orderPlaced = defineEvent('order.placed', 1, {
  description: 'A customer placed an order. Neither stock nor money has been taken yet.',
  data: { ...data, productId: id('product'), quantity: z.int(), total: money, paymentMethod: z.string() },
  example: {
    ...example,
    productId: 'prd_0197f39f11aa7b2c8d3e4f5a6b7c8d9e',
    quantity: 1,
    total: { amount: 1900, currency: 'EUR' },
    paymentMethod: 'pm_card_visa',
  },
});
export const orderConfirmed = define('order.confirmed', 'Stock and money of an order are there.');
export const orderFailed = define('order.failed', 'Neither stock nor money of an order is kept.');
export const paymentCaptured = define('payment.captured', 'The customer has paid.');
export const paymentFailed = define('payment.failed', 'The customer has not paid, and will not.');
export const paymentRefunded = define('payment.refunded', 'The customer has the money back.');
export const stockReserved = define('stock.reserved', 'The units are held.');
export const stockRefused = define('stock.refused', 'There are not enough units. None is held.');
export const stockReleased = define('stock.released', 'No unit is held any more, and none will be.');

export type Placed = EventOf<typeof orderPlaced>['data'];
