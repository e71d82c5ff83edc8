import type { ManualReview, ReviewOrder } from '../../contract/api/manual-review.ts';
import type { OrderStatus } from '../../contract/api/orders.ts';
import { withoutClientSecrets } from '../../contract/api/payment-action.ts';
import { type OrderRow, toOrder } from '../../shop/orders/order.ts';

/** A row of orders.manual_reviews. */
export type ManualReviewRow = {
  attempt: number;
  openedAt: Date;
  fromStatus: OrderStatus;
  reason: string;
  steps: string[];
  error: string;
  message: string;
  moneyAtStake: number;
  moneyCertain: boolean;
  stockAtStake: ManualReview['stockAtStake'];
  execution: string;
  settledAt: Date | null;
  settledHow: ManualReview['settledHow'];
};

/** A row of orders.order_details with what manual review keeps about the order; JSON knows its times as text. */
export type ReviewRow = OrderRow & {
  compensationAttempts: number;
  manualReview:
    | (Omit<ManualReviewRow, 'openedAt' | 'settledAt'> & { openedAt: string; settledAt: string | null })
    | null;
};

/** An order as manual review shows it, without what would let an operator pay it; `now` in milliseconds since the epoch. */
export function toReviewOrder(row: ReviewRow, now: number): ReviewOrder {
  const { manualReview, compensationAttempts } = row;
  const last = manualReview && {
    ...manualReview,
    openedAt: new Date(manualReview.openedAt),
    settledAt: manualReview.settledAt === null ? null : new Date(manualReview.settledAt),
  };
  return {
    ...withoutClientSecrets(toOrder(row)),
    compensationAttempts,
    manualReview: last && toManualReview(last, row.currency, now),
  };
}

export function toManualReview(row: ManualReviewRow, currency: string, now: number): ManualReview {
  const until = row.settledAt?.getTime() ?? now;
  return {
    attempt: row.attempt,
    openedAt: row.openedAt.toISOString(),
    ageSeconds: Math.max(0, Math.floor((until - row.openedAt.getTime()) / 1000)),
    fromStatus: row.fromStatus,
    reason: row.reason,
    steps: row.steps,
    error: row.error,
    message: row.message,
    moneyAtStake: { amount: row.moneyAtStake, currency, certain: row.moneyCertain },
    stockAtStake: row.stockAtStake.map(({ productId, sku, quantity, state }) => ({ productId, sku, quantity, state })),
    execution: row.execution,
    settledAt: row.settledAt?.toISOString() ?? null,
    settledHow: row.settledHow,
  };
}
