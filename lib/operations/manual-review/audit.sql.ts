import type { Sql, TransactionSql } from 'postgres';

/** Who acts in manual review, as `audit.operator_actions` keeps it. */
export type Operator = { actionId: string; keyId: string; requestId: string; at: Date };

/**
 * Adds to the audit that somebody read everything about an order.
 * @returns what the explanation needs to go on; undefined when the order does not exist
 */
export async function auditReading(
  sql: Sql,
  orderId: string,
  { actionId, keyId, requestId, at }: Operator,
): Promise<{ currency: string; compensationAttempts: number; wasConfirmed: boolean } | undefined> {
  const [row] = await sql`
    with this as (
      select id, currency, compensation_attempts, confirmed_at is not null as was_confirmed
      from orders.orders where id = ${orderId}
    ),
    audited as (
      insert into audit.operator_actions (id, order_id, at, key_id, action, request_id)
      select ${actionId}, this.id, ${at}::timestamptz, ${keyId}, 'read', ${requestId} from this
    )
    select currency, compensation_attempts, was_confirmed from this`;
  return row as { currency: string; compensationAttempts: number; wasConfirmed: boolean } | undefined;
}

/** Adds to the audit, in the transaction of the retry, that somebody had the compensation of an order run again. */
export async function auditRetry(
  tx: TransactionSql,
  orderId: string,
  { actionId, keyId, requestId, at }: Operator,
): Promise<void> {
  await tx`
    insert into audit.operator_actions (id, order_id, at, key_id, action, request_id)
    values (${actionId}, ${orderId}, ${at}, ${keyId}, 'retry', ${requestId})`;
}
