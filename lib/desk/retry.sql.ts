import type { TransactionSql } from 'postgres';
import type { OrderStatus } from '../contract/orders.ts';

/** Who does something at the desk, as it is kept. */
export type Operator = { actionId: string; keyId: string; requestId: string; at: Date };

/**
 * Takes an order back from before a person, to the status that it came from, for its undo to run once more. No step
 * takes it forward from there.
 * @returns which undo it is, 1 for the first; the order's status when it does not wait for a person; undefined when
 *   there is no such order
 */
export async function takeBackToUndo(
  tx: TransactionSql,
  orderId: string,
  { actionId, keyId, requestId, at }: Operator,
): Promise<{ attempt: number } | { status: OrderStatus } | undefined> {
  const [row] = await tx`
    with this as materialized (
      select o.id, o.version, o.undo_attempts + 1 as attempt,
        -- A paid order never lives long, and one that waits for its customer would ask them to pay. An order that an
        -- earlier release flagged has no row that tells.
        case coalesce(a.from_status, case when o.confirmed_at is null then 'reserved' else 'cancelling' end)
          when 'pending' then 'pending'
          when 'cancelling' then 'cancelling'
          else 'reserved'
        end as back_to
      from orders.orders o
      left join orders.attention a on a.order_id = o.id and a.settled_at is null
      where o.id = ${orderId} and o.status = 'needs_attention'
      for update of o
    ),
    stepped as (
      update orders.orders o
      set status = this.back_to, version = this.version + 1, updated_at = ${at}, undo_attempts = this.attempt,
        abandoned_at = coalesce(o.abandoned_at, ${at})
      from this where o.id = this.id
    ),
    settled as (
      update orders.attention a set settled_at = ${at}, settled_how = 'retried'
      from this where a.order_id = this.id and a.settled_at is null
    ),
    noted as (
      insert into orders.timeline (order_id, version, entry, type, detail, at)
      select this.id, this.version + 1, 1, 'status-changed',
        jsonb_build_object('from', 'needs_attention', 'to', this.back_to, 'reason', 'retry'), ${at}::timestamptz
      from this
    ),
    audited as (
      insert into orders.operator_actions (id, order_id, at, key_id, action, request_id)
      select ${actionId}, this.id, ${at}::timestamptz, ${keyId}, 'retry', ${requestId} from this
    )
    select attempt from this`;
  if (row !== undefined) return { attempt: row.attempt };
  const [now] = await tx`select status from orders.orders where id = ${orderId}`;
  return now && { status: now.status };
}
