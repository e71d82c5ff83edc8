import type { Fragment, Sql, TransactionSql } from 'postgres';
import type { Clock } from '../../lib/kernel/clock.ts';
import { newId } from '../../lib/kernel/ids.ts';

/** What every room needs: its connections, and the time. */
export type RoomDeps = { sql: Sql; clock: Clock };

/**
 * Announces a change in the statement that makes it: the query `changed` has `order_id`, `version` and, if something
 * changed, a row. A repeated event changes nothing, so it announces nothing.
 * @param what.type of the event
 */
export const announce = (
  { sql, clock }: { sql: Sql | TransactionSql; clock: Clock },
  { type, data = sql`'{}'::jsonb`, where = sql`true` }: { type: Fragment; data?: Fragment; where?: Fragment },
): Fragment => sql`
  insert into outbox.events (id, type, order_id, sequence, data, occurred_at)
  select ${newId('event', clock)}, ${type}, changed.order_id, changed.version,
    jsonb_build_object('orderId', changed.order_id) || ${data}, ${new Date(clock.now())}::timestamptz
  from changed where ${where}`;
