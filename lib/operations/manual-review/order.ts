import type { Attention, DeskOrder } from '../../contract/api/manual-review.ts';
import type { OrderStatus } from '../../contract/api/orders.ts';
import { withoutClientSecrets } from '../../contract/api/payment-action.ts';
import { type OrderRow, toOrder } from '../../shop/orders/order.ts';

/** A row of orders.attention. */
export type AttentionRow = {
  attempt: number;
  flaggedAt: Date;
  fromStatus: OrderStatus;
  reason: string;
  steps: string[];
  error: string;
  message: string;
  moneyAtStake: number;
  moneyCertain: boolean;
  stockAtStake: Attention['stockAtStake'];
  execution: string;
  settledAt: Date | null;
  settledHow: Attention['settledHow'];
};

/** A row of orders.order_details with what the desk keeps about the order; JSON knows its times as text. */
export type DeskRow = OrderRow & {
  undoAttempts: number;
  attention: (Omit<AttentionRow, 'flaggedAt' | 'settledAt'> & { flaggedAt: string; settledAt: string | null }) | null;
};

/** An order as the desk shows it, without what would let an operator pay it; `now` in milliseconds since the epoch. */
export function toDeskOrder(row: DeskRow, now: number): DeskOrder {
  const { attention, undoAttempts } = row;
  const last = attention && {
    ...attention,
    flaggedAt: new Date(attention.flaggedAt),
    settledAt: attention.settledAt === null ? null : new Date(attention.settledAt),
  };
  return {
    ...withoutClientSecrets(toOrder(row)),
    undoAttempts,
    attention: last && toAttention(last, row.currency, now),
  };
}

export function toAttention(row: AttentionRow, currency: string, now: number): Attention {
  const until = row.settledAt?.getTime() ?? now;
  return {
    attempt: row.attempt,
    flaggedAt: row.flaggedAt.toISOString(),
    ageSeconds: Math.max(0, Math.floor((until - row.flaggedAt.getTime()) / 1000)),
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
