import type { Sql, TransactionSql } from 'postgres';
import type { OrderStatus } from '../../contract/api/orders.ts';
import type { EventDefinition } from '../../contract/events/define-event.ts';
import {
  orderCancelled,
  orderConfirmed,
  orderFailed,
  orderInReview,
  orderReserved,
} from '../../contract/events/domain-events.ts';
import { type EventFields, eventData, type OutboxEvent } from '../../events/outbox.sql.ts';

type Db = Sql | TransactionSql;

type Announcement = Pick<OutboxEvent, 'definition' | 'data' | 'occurrence'>;

/** What an order's event says, by the status that the order comes to. */
const announcements = {
  reserved: (sql) => announcement(sql, orderReserved, namesOf(sql)),
  confirmed: (sql) =>
    announcement(sql, orderConfirmed, {
      ...reachableOf(sql),
      // The statement that confirms an order writes its payment in the query `paid`.
      paymentId: sql`(select paid.id from paid)`,
      total: sql`jsonb_build_object('amount', changed.total, 'currency', changed.currency)`,
    }),
  failed: (sql) => announcement(sql, orderFailed, { ...reachableOf(sql), reason: sql`changed.failure_code` }),
  cancelled: (sql) => announcement(sql, orderCancelled, reachableOf(sql)),
  needs_attention: (sql) => ({
    ...announcement(sql, orderInReview, { ...namesOf(sql), reason: sql`changed.failure_code` }),
    occurrence: sql`changed.compensation_attempts + coalesce(changed.capture_retries, 0) + 1`,
  }),
} as const satisfies Partial<Record<OrderStatus, (sql: Db) => Announcement>>;

/** A status whose coming is an event. */
export type Announced = keyof typeof announcements;

export const isAnnounced = (status: OrderStatus): status is Announced => Object.hasOwn(announcements, status);

/** The event of an order that has come to a status, if the query `changed` has it in that status. */
export const eventOf = (sql: Db, id: string, status: Announced): OutboxEvent => ({
  ...ofOrder(sql, id, announcements[status](sql)),
  from: sql`changed where changed.status = ${status}`,
});

/** An event of the order in the query `changed`, under its version. */
export const ofOrder = (sql: Db, id: string, what: Announcement): OutboxEvent => ({
  ...what,
  id,
  subject: sql`changed.id`,
  aggregateId: sql`changed.id`,
  sequence: sql`changed.version`,
  correlationId: sql`changed.correlation_id`,
  from: sql`changed`,
});

/** What an event says. */
export const announcement = <Definition extends EventDefinition>(
  sql: Db,
  definition: Definition,
  fields: EventFields<Definition>,
): Announcement => ({ definition, data: eventData(sql, definition, fields) });

export const idsOf = (sql: Db) => ({ orderId: sql`changed.id`, customerId: sql`changed.customer_id` });

const namesOf = (sql: Db) => ({ ...idsOf(sql), number: sql`changed.number` });

/** Which order it is, whose, and where mails go, of the query `changed`. */
export const reachableOf = (sql: Db) => ({ ...namesOf(sql), contact: sql`changed.contact` });
