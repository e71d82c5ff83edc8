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
): Promise<AuditedOrder | undefined> {
  const columns = sql`id, currency, compensation_attempts, confirmed_at is not null as was_confirmed, updated_at`;
  const [row] = await sql`
    with this as (
      select ${columns}, false as archived from orders.orders where id = ${orderId}
      union all
      select ${columns}, true from archive.orders where id = ${orderId}
      limit 1
    ),
    audited as (
      insert into audit.operator_actions (id, order_id, at, key_id, action, request_id)
      select ${actionId}, this.id, ${at}::timestamptz, ${keyId}, 'read', ${requestId} from this
    )
    select id, currency, compensation_attempts, was_confirmed, updated_at, archived, p.payment_id, p.capture_attempt
    from this left join lateral (
      select p.id as payment_id, p.capture_attempt from payments.payments p where p.order_id = this.id
    ) p on true`;
  return row as AuditedOrder | undefined;
}

export type KnownOrder = {
  id: string;
  currency: string;
  compensationAttempts: number;
  wasConfirmed: boolean;
  updatedAt: Date;
  archived: boolean;
};

/** Its payment, and how often its capture was asked for; null without one, and of an archived order. */
export type AuditedOrder = KnownOrder & { paymentId: string | null; captureAttempt: number | null };

/** Adds to the audit, in the transaction that does it, what somebody does with an order. */
export async function auditAction(
  tx: TransactionSql,
  orderId: string,
  action: 'retry' | 'unarchive',
  { actionId, keyId, requestId, at }: Operator,
): Promise<void> {
  await tx`
    insert into audit.operator_actions (id, order_id, at, key_id, action, request_id)
    values (${actionId}, ${orderId}, ${at}, ${keyId}, ${action}, ${requestId})`;
}

/** Puts an archived order back as it was; it stays out of the archive until a time. @returns whether it was archived */
export async function putBack(tx: TransactionSql, orderId: string, until: Date): Promise<boolean> {
  const [row] = await tx<[{ done: boolean }]>`
    select archive.unarchive_order(${orderId}, ${until}::timestamptz) as done`;
  return row.done;
}
