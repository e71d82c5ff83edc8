import { definitions } from '../support/definitions.ts';
import type { Mishap, Place } from './history.ts';

/** An order as its customer knows it. */
export type ModelOrder = {
  id: string;
  customerId: string;
  placed: Place;
  lines: { productId: string; quantity: number }[];
  /** When it was asked for and when it was answered, by the history's own count. */
  from: number;
  until: number;
  /** Somebody was told that it would be cancelled. */
  cancelled: boolean;
};

export type ModelProduct = {
  id: string;
  /** Units put in and taken out by hand, the opening included. */
  stocked: number;
  /** The opening without all that was taken out later: what there was to sell at the worst moment. */
  least: number;
  /** Each price with the time in which an order may have got it. */
  prices: { amount: number; from: number; until: number }[];
};

/**
 * How an order ends, as far as what befell it decides that: `confirmed`, `cancelled` or `failed`, with the reason where
 * only one is possible. More than one end is possible only when stock is short, for whoever comes last gets none.
 */
export function foreseenEnds(order: ModelOrder, orders: ModelOrder[], products: ModelProduct[]): string[] {
  if (order.cancelled) return ['cancelled'];
  const { script, paymentMethod } = order.placed;
  const outOfStock = isEnough(order, orders, products) ? [] : ['failed: out-of-stock'];
  // What is short when an order is placed fails without a saga.
  if (!deliver('ReserveStock', script.ReserveStock).succeeds) return ['failed', ...outOfStock];
  const charging = deliver('ChargePayment', script.ChargePayment, paymentMethod === 'pm_timeoutOnce');
  if (paymentMethod === 'pm_card_chargeDeclined')
    return [charging.takesEffect ? 'failed: payment-declined' : 'failed', ...outOfStock];
  if (!charging.succeeds) return ['failed'];
  // A confirmation whose answer never comes counts if it took effect.
  return [deliver('ConfirmOrder', script.ConfirmOrder).takesEffect ? 'confirmed' : 'failed', ...outOfStock];
}

/** What an order of these lines costs, by the prices that were possible when it was placed. */
export const couldCost = ({ from, until }: ModelOrder, { prices }: ModelProduct, amount: number): boolean =>
  prices.some((price) => price.amount === amount && price.from <= until && price.until >= from);

/** 10 % off above 100.00: docs/pricing.md. */
export const discountOf = (subtotal: number): number => (subtotal > 10_000 ? Math.round(subtotal / 10) : 0);

/** Whether there was stock for every order that wants any of what this one wants. */
function isEnough({ lines }: ModelOrder, orders: ModelOrder[], products: ModelProduct[]): boolean {
  return lines.every(({ productId }) => {
    const wanted = orders.flatMap((each) => each.lines).filter((line) => line.productId === productId);
    const units = wanted.reduce((sum, { quantity }) => sum + quantity, 0);
    return units <= products.find(({ id }) => id === productId)!.least;
  });
}

/** What comes of a step that is delivered again for as long as it fails, and as often as the saga allows. */
function deliver(step: string, script: Mishap[] = [], losesFirstAnswer = false) {
  let takesEffect = false;
  for (let i = 0; i <= mostRetries(step); i++) {
    const mishap = script[i] ?? 'fine';
    if (mishap === 'fails before its effect') continue;
    const lost = mishap === 'takes effect and loses the answer' || (losesFirstAnswer && !takesEffect);
    takesEffect = true;
    if (!lost) return { succeeds: true, takesEffect };
  }
  return { succeeds: false, takesEffect };
}

const mostRetries = (step: string): number =>
  definitions.placing.States[step]!.Retry!.find(({ ErrorEquals }) => ErrorEquals.includes('States.ALL'))!.MaxAttempts!;
