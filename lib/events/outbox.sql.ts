import type { Fragment, Sql, TransactionSql } from 'postgres';
import type { EventData, EventDefinition } from '../contract/events/define-event.ts';

/** An event as parts of the statement that writes it. Each part may name columns of the queries in `from`. */
export type OutboxEvent = {
  id: string;
  definition: EventDefinition;
  subject: Fragment;
  aggregateId: Fragment;
  sequence: Fragment;
  /** Which event of its type and subject it is, starting at 1. Without it, there is only one. */
  occurrence?: Fragment;
  correlationId: Fragment;
  data: Fragment;
  /** The queries that hold the event, and a condition if not every row of them is one: `changed where …`. */
  from: Fragment;
};

/**
 * The insert that writes events to the outbox, as part of the statement that makes them happen. At most one row comes out
 * of each event's `from`.
 */
export const insertEvents = (sql: Sql | TransactionSql, events: readonly OutboxEvent[], at: Date): Fragment => sql`
  insert into outbox.events (
    id, type, schema_version, subject, aggregate_id, sequence, occurrence, correlation_id, data, occurred_at
  )
  ${events.map(
    ({ definition, ...event }, index) => sql`${index === 0 ? sql`` : sql`union all`}
      select ${event.id}::text, ${definition.type}::text, ${definition.version}::smallint, ${event.subject},
        ${event.aggregateId}, ${event.sequence}, ${event.occurrence ?? sql`1`}, ${event.correlationId}, ${event.data},
        ${at}::timestamptz
      from ${event.from}`,
  )}`;

/** The fields of an event's data, each as the part of a statement that yields it. */
export type EventFields<Definition extends EventDefinition> = { [Name in keyof EventData<Definition>]: Fragment };

/** The data of an event, with the fields that its schema demands. */
export const eventData = <Definition extends EventDefinition>(
  sql: Sql | TransactionSql,
  _definition: Definition,
  fields: EventFields<Definition>,
): Fragment =>
  sql`jsonb_build_object(${Object.entries<Fragment>(fields).map(
    ([name, part], index) => sql`${index === 0 ? sql`` : sql`,`} ${name}::text, ${part}`,
  )})`;
