import type { OrderStatus, PaymentStatus } from '../../contract/api/orders.ts';
import type { ProviderCharge } from '../../shop/payments/gateway.ts';
import type { SnapshotCharge } from './snapshot.dynamo.ts';
import { type Problem, type Repair, type Verdict, verdict } from './verdict.ts';

/** What orders and payments say of one order's money; amounts in minor units. */
export type OrderBalance = {
  orderId: string;
  status: OrderStatus;
  total: number;
  currency: string;
  /** When anything last happened to it or to a refund of it. */
  changedAt: Date;
  paymentId: string | null;
  paymentProvider: string | null;
  paymentReference: string | null;
  paymentStatus: PaymentStatus | null;
  paymentAmount: number | null;
  paymentCurrency: string | null;
  /** What went back, in parts or whole. Like the amount without what was released before the capture. */
  paymentRefunded: number | null;
  /** A refund of a part, or a capture, is under way: nobody knows yet on which side it counts. */
  refundOpen: boolean | null;
};

export type MoneyContext = {
  provider: string;
  /** The snapshot tells what was true at this time or later, so an order that changed since cannot be compared with it. */
  asOf: number;
  now: number;
  /** How long a charge has been without its order before it is given back, in milliseconds. */
  graceMs: number;
};

/** Charges as a person has to know them: the numbers of both sides. */
const sides = (charge: SnapshotCharge | undefined, order: OrderBalance | undefined) => ({
  ...(charge === undefined ? {} : { charge }),
  ...(order === undefined ? {} : { order: { ...order, changedAt: order.changedAt.toISOString() } }),
});

/** Money of a charge that the provider has not given back, or holds. */
export const keptOf = ({ status, amount, refundedAmount }: ProviderCharge): number =>
  status === 'captured' || status === 'authorized' ? amount - refundedAmount : 0;

/**
 * Compares one charge with the order that it names. Nothing is said of an order that is open, in manual review, or has
 * changed since the charge was read.
 */
export function judgeCharge(charge: SnapshotCharge, order: OrderBalance | undefined, context: MoneyContext): Verdict[] {
  const { reference, orderId } = charge;
  const kept = keptOf(charge);
  const without = (problem?: Problem) => verdict('orphaned-charge', reference, problem);
  const twice = (problem?: Problem) => verdict('charge-twice', reference, problem);

  if (orderId === null) return [without(kept > 0 ? nobodys(charge) : undefined)];
  if (order === undefined) {
    return [without(kept > 0 ? unknownOrder(charge, orderId, context) : undefined)];
  }
  if (!isComparable(order, context)) return [];

  const isItsPayment = order.paymentProvider === context.provider && order.paymentReference === reference;
  const hasAnother = order.paymentProvider === context.provider && !isItsPayment;
  if (order.status !== 'confirmed' && kept > 0) {
    return hasAnother
      ? [twice(second(charge, order)), without()]
      : [without(compensated(charge, order, context)), twice()];
  }
  if (!isItsPayment) return [without(), twice(kept > 0 ? second(charge, order) : undefined)];

  const missing = order.paymentAmount !== 0 && isMissing(order, charge);
  const differs = !missing && differences(charge, order).length > 0;
  return [
    without(),
    twice(),
    verdict('order-without-charge', order.orderId, missing ? unpaid(charge, order) : undefined),
    verdict('amount-differs', reference, differs ? different(charge, order) : undefined),
  ];
}

/** Looks for the charge of an order that our records say is paid by this provider. */
export function judgePayment(
  order: OrderBalance,
  charge: SnapshotCharge | undefined,
  context: MoneyContext,
): Verdict[] {
  if (!isComparable(order, context)) return [];
  const missing = order.status === 'confirmed' && order.paymentAmount !== 0 && isMissing(order, charge);
  return [verdict('order-without-charge', order.orderId, missing ? unpaid(charge, order) : undefined)];
}

/** Whether nothing can have happened to an order between the provider's copy and our records. */
export const isComparable = (order: OrderBalance, { asOf }: Pick<MoneyContext, 'asOf'>): boolean =>
  ended.has(order.status) && order.refundOpen !== true && order.changedAt.getTime() < asOf;

const ended: ReadonlySet<OrderStatus> = new Set(['confirmed', 'failed', 'cancelled']);

const isMissing = (order: OrderBalance, charge: SnapshotCharge | undefined): boolean =>
  order.status === 'confirmed' &&
  !(order.paymentStatus === 'authorized' && charge?.status === 'authorized') &&
  (charge?.status !== 'captured' ||
    (keptOf(charge) === 0 && (order.paymentRefunded ?? 0) < (order.paymentAmount ?? 0)));

function differences(charge: SnapshotCharge, order: OrderBalance): string[] {
  const ours = {
    status: order.paymentStatus === 'authorized' ? 'authorized' : 'captured',
    amount: order.paymentAmount,
    currency: order.paymentCurrency,
    refundedAmount: order.paymentRefunded,
  };
  // What was never captured has nothing to be given back, however our records call that.
  const taken = charge.status === 'captured' || charge.status === 'authorized';
  const names = taken ? (['status', 'amount', 'currency', 'refundedAmount'] as const) : [];
  return names.filter((name) => charge[name] !== ours[name]);
}

function nobodys(charge: SnapshotCharge): Problem {
  return {
    details: sides(charge, undefined),
    advice: 'The charge names no order: find out at the provider who made it, and refund it there if nobody did.',
  };
}

function unknownOrder(charge: SnapshotCharge, orderId: string, context: MoneyContext): Problem {
  return {
    details: sides(charge, undefined),
    advice:
      'Its order is not in the database: it is given back by itself after the grace period if this stage made the charge; if not, find out at the provider whose it is.',
    // The simulated provider's transactions are this stage's alone; a real account may be shared with another stage.
    ...returning(charge, orderId, charge.createdAt, context, context.provider !== 'simulated'),
  };
}

function compensated(charge: SnapshotCharge, order: OrderBalance, context: MoneyContext): Problem {
  const since = Math.max(charge.createdAt, order.changedAt.getTime());
  return {
    details: sides(charge, order),
    advice: `The order is ${order.status} and its money was kept: it is given back by itself after the grace period; see that it was.`,
    ...returning(charge, order.orderId, since, context, false),
  };
}

function returning(
  charge: SnapshotCharge,
  orderId: string,
  since: number,
  { provider, now, graceMs }: MoneyContext,
  ifSagaRan: boolean,
): { repair?: Repair } {
  if (now - since < graceMs || !/^ord_[0-9a-f]{32}$/.test(orderId)) return {};
  const { amount, currency, reference } = charge;
  const input = {
    orderId,
    reason: 'orphaned-charge',
    amount,
    currency,
    payment: { provider, reference },
  } as const;
  return { repair: { kind: 'refund-orphaned-charge', key: `${orderId}-orphaned-charge`, input, ifSagaRan } };
}

const second = (charge: SnapshotCharge, order: OrderBalance): Problem => ({
  details: sides(charge, order),
  advice:
    'The order was paid by another charge: make sure that the customer paid twice, then refund this one at the provider.',
});

const unpaid = (charge: SnapshotCharge | undefined, order: OrderBalance): Problem => ({
  details: sides(charge, order),
  advice:
    charge?.status === 'captured'
      ? 'The order is confirmed and its money went back at the provider: find out who refunded it, then charge the customer anew or cancel the order.'
      : 'The order is confirmed and the provider has no money for it: hold the goods back, look the charge up at the provider, then charge the customer anew or cancel the order.',
});

const different = (charge: SnapshotCharge, order: OrderBalance): Problem => ({
  details: { ...sides(charge, order), differs: differences(charge, order) },
  advice: `The provider and our payment disagree on ${differences(charge, order).join(' and ')}: see at the provider what is true, then correct the side that is wrong.${differences(charge, order).includes('status') ? ' A payment that was captured at the provider is recorded by capturing it here too.' : ''}`,
});
