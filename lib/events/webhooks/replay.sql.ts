import type { Fragment, Sql } from 'postgres';
import { domainEvents } from '../../contract/events/domain-events.ts';
import { idAt, idTimestamp, newId } from '../../kernel/ids.ts';
import { type EventRow, toStoredEvent } from '../publish.sql.ts';
import { addDelivery, newDelivery } from './deliveries.dynamo.ts';
import type { EndpointItem, WebhookStore } from './endpoints.dynamo.ts';
import { wants } from './route.ts';

/** Events of one request, and how many are written at once. */
const most = 1000;
const atOnce = 25;

/**
 * Puts events of the past on their way to an endpoint once more: those that it wants and that were written from one time to
 * another, the oldest first. There is no end to the past, so one call replays a thousand.
 * @returns how many, and from when to go on; null when that was all
 */
export async function replayEvents(
  sql: Sql,
  store: WebhookStore,
  endpoint: EndpointItem,
  { from, to }: { from: number; to: number },
): Promise<{ events: number; next: number | null }> {
  const types = domainEvents.map(({ type }) => type).filter((type) => wants(endpoint, type));
  const part = (table: Fragment) => sql`(
    select id, type, schema_version, subject, aggregate_id, sequence, occurred_at, correlation_id, data
    from ${table}
    where id >= ${idAt('event', from)} and id < ${idAt('event', to)}
      and type = any (string_to_array(${types.join(',')}, ','))
    order by id
    limit ${most + 1}
  )`;
  const rows = await sql<EventRow[]>`
    ${part(sql`outbox.events`)} union all ${part(sql`archive.events`)}
    order by id
    limit ${most + 1}`;
  const left = rows.slice(0, most).map(toStoredEvent);
  const worker = async () => {
    for (let event = left.shift(); event !== undefined; event = left.shift()) {
      const deliveryId = newId('delivery', store.clock);
      await addDelivery(store, newDelivery(store, endpoint.endpointId, event, { deliveryId, replay: true }));
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  const beyond = rows[most];
  return { events: Math.min(rows.length, most), next: beyond === undefined ? null : idTimestamp(beyond.id) };
}
