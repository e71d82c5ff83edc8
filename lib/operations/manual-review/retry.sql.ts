import type { TransactionSql } from 'postgres';

/** Who does something in manual review, as it is kept. */
export type Operator = { actionId: string; keyId: string; requestId: string; at: Date };

/** Keeps who had the compensation of an order run again. */
export async function auditRetry(
  tx: TransactionSql,
  orderId: string,
  { actionId, keyId, requestId, at }: Operator,
): Promise<void> {
  await tx`
    insert into orders.operator_actions (id, order_id, at, key_id, action, request_id)
    values (${actionId}, ${orderId}, ${at}, ${keyId}, 'retry', ${requestId})`;
}
