import type { Fragment, Sql, TransactionSql } from 'postgres';
import { customerCreated, customerUpdated } from '../../contract/events/domain-events.ts';
import { eventData, insertEvents } from '../../events/outbox.sql.ts';
import type { Clock } from '../../kernel/clock.ts';
import { newId } from '../../kernel/ids.ts';

type Handle = Sql | TransactionSql;

/** What the event of a customer says. */
export const announcedColumns = (sql: Handle): Fragment =>
  sql`id, version, email, name, premium, suspended_at is not null as suspended, announced`;

/**
 * The insert of a customer's event, for a statement with a query `changed` that has the `announcedColumns` of the customer as
 * they are now. A customer who has not been announced has no events.
 */
export const customerEvent = (
  sql: Handle,
  definition: typeof customerCreated | typeof customerUpdated,
  { clock, requestId }: { clock: Clock; requestId: string | undefined },
): Fragment =>
  insertEvents(
    sql,
    [
      {
        id: newId('event', clock),
        definition,
        subject: sql`changed.id`,
        aggregateId: sql`changed.id`,
        sequence: sql`changed.version`,
        occurrence: definition === customerCreated ? sql`1` : sql`changed.version`,
        correlationId: sql`${requestId ?? null}::text`,
        data: eventData(sql, definition, {
          customerId: sql`changed.id`,
          email: sql`changed.email`,
          name: sql`changed.name`,
          premium: sql`changed.premium`,
          suspended: sql`changed.suspended`,
        }),
        from: sql`changed where changed.announced`,
      },
    ],
    new Date(clock.now()),
  );

/**
 * Writes the event of a new customer, once: when they confirm their e-mail address or sign in for the first time. A sign-up
 * writes none, so that its time does not show whether the address had an account.
 * @returns whether this call did
 */
export async function announceCustomer(
  sql: Handle,
  id: string,
  about: { clock: Clock; requestId: string | undefined },
): Promise<boolean> {
  const [row] = await sql`
    with changed as (
      update customers.customers set announced = true
      where id = ${id} and not announced and erased_at is null
      returning ${announcedColumns(sql)}
    ),
    written as (${customerEvent(sql, customerCreated, about)})
    select id from changed`;
  return row !== undefined;
}

/** Writes that a customer changed. Their version must have gone up. */
export async function customerChanged(
  tx: TransactionSql,
  id: string,
  about: { clock: Clock; requestId: string | undefined },
): Promise<void> {
  await tx`
    with changed as (select ${announcedColumns(tx)} from customers.customers where id = ${id})
    ${customerEvent(tx, customerUpdated, about)}`;
}
