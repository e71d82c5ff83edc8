import type { Fragment, Sql } from 'postgres';
import { domainEvents, isFor, withoutPersonalData } from '../../contract/events/domain-events.ts';
import { idAt, idTimestamp, newId } from '../../kernel/ids.ts';
import { type EventRow, eventColumns, toStoredEvent } from '../publish.sql.ts';
import { addDeliveries, newDelivery } from './deliveries.dynamo.ts';
import type { EndpointItem, WebhookStore } from './endpoints.dynamo.ts';
import { wants } from './route.ts';

/** Events of one request. */
const most = 1000;

/**
 * Puts events of the past on their way to an endpoint once more: those that it wants and that were written from one time to
 * another, the oldest first. There is no end to the past, so one call replays a thousand.
 * @returns how many, and from when to go on; null when that was all
 */
export async function replayEvents(
  sql: Sql,
  store: WebhookStore,
  endpoint: EndpointItem,
  { from, to, personalData }: { from: number; to: number; personalData: boolean },
): Promise<{ events: number; next: number | null }> {
  const types = domainEvents.map(({ type }) => type).filter((type) => wants(endpoint, type));
  const part = (table: Fragment) => sql`(
    select ${eventColumns(sql)}
    from ${table} e
    where e.id >= ${idAt('event', from)} and e.id < ${idAt('event', to)}
      and e.type = any (string_to_array(${types.join(',')}, ','))
    order by e.id
    limit ${most + 1}
  )`;
  const rows = await sql<EventRow[]>`
    ${part(sql`outbox.events`)} union all ${part(sql`archive.events`)}
    order by id
    limit ${most + 1}`;
  const events = rows.slice(0, most).map(toStoredEvent);
  const again = events.flatMap((event) => {
    if (!isFor(event, endpoint.applicationId)) return [];
    const sent = personalData ? event : withoutPersonalData(event);
    return newDelivery(store, endpoint.endpointId, sent, { deliveryId: newId('delivery', store.clock), replay: true });
  });
  await addDeliveries(store, again);
  const beyond = rows[most];
  return { events: again.length, next: beyond === undefined ? null : idTimestamp(beyond.id) };
}
