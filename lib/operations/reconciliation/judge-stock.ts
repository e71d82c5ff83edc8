import type { OrderStatus } from '../../contract/api/orders.ts';
import { type Verdict, verdict } from './verdict.ts';

/** Stock that is kept for one order; `status` is null when there is no such order. */
export type KeptStock = {
  orderId: string;
  status: OrderStatus | null;
  lines: { productId: string; quantity: number; state: 'held' | 'committed'; expiresAt: string }[];
};

/** A level beside what the ledger and the reservations add up to. */
export type StockBalance = {
  productId: string;
  onHand: number;
  reserved: number;
  ledgerOnHand: number;
  ledgerReserved: number;
  /** Units of held reservations. */
  held: number;
};

/**
 * Whether the stock that is kept for an order has an owner. `isOwned` tells whether an execution works on the order; it
 * is asked only about open orders whose reservation expired before `expiredBefore`.
 */
export async function judgeReservation(
  { orderId, status, lines }: KeptStock,
  { expiredBefore, isOwned }: { expiredBefore: number; isOwned: (orderId: string) => Promise<boolean> },
): Promise<Verdict> {
  const held = lines.filter(({ state }) => state === 'held');
  const committed = lines.length - held.length;
  const problem = (advice: string, repairs = false) =>
    verdict('reservation-without-owner', orderId, {
      details: { orderId, status, lines },
      advice,
      ...(repairs ? { repair: { kind: 'release-stock', key: `${orderId}-release`, orderId } } : {}),
    });

  if (status === null || status === 'failed' || status === 'cancelled') {
    if (committed > 0) {
      return problem(
        `Stock is committed for an order that ${status === null ? 'does not exist' : `is ${status}`}: see whether the goods left, and if not take them in by hand.`,
        held.length > 0,
      );
    }
    if (held.length > 0) return problem('Nobody needs this stock: it is released by itself; see that it was.', true);
  } else if (status === 'confirmed') {
    if (held.length > 0) {
      return problem(
        'The order is confirmed and its stock only held: find out whether the goods are to leave, then commit or release it by hand.',
      );
    }
  } else if (held.some(({ expiresAt }) => Date.parse(expiresAt) < expiredBefore) && !(await isOwned(orderId))) {
    return problem(
      'The reservation has expired and no execution works on the order: see that the job sweep-orders runs, and what it says of this order.',
    );
  }
  return verdict('reservation-without-owner', orderId);
}

/** Whether a product's level is what its ledger and its reservations say. */
export function judgeLevel(balances: StockBalance): Verdict {
  const { productId, onHand, reserved, ledgerOnHand, ledgerReserved, held } = balances;
  if (onHand === ledgerOnHand && reserved === ledgerReserved && reserved === held) {
    return verdict('level-differs-from-ledger', productId);
  }
  return verdict('level-differs-from-ledger', productId, {
    details: balances,
    advice:
      onHand === ledgerOnHand && reserved === ledgerReserved
        ? 'The level is what the ledger says, but the held reservations add up to something else: find the order whose reservation and movements disagree.'
        : 'Somebody wrote past the ledger: count the shelf, and correct the level as the runbook says.',
  });
}
