import type { Sql } from 'postgres';
import { applicationSuspended } from '../contract/events/domain-events.ts';
import type { Clock } from '../kernel/clock.ts';
import { newId } from '../kernel/ids.ts';
import { eventData, insertEvents } from './outbox.sql.ts';

/** That an application was suspended: when, in milliseconds since the epoch, and the version that it got by that. */
export type Suspension = { applicationId: string; name: string; at: number; version: number };

/** Writes the events of suspensions, each once, however often it gets them. @returns how many were new */
export async function announceSuspensions(sql: Sql, suspensions: readonly Suspension[], clock: Clock): Promise<number> {
  let announced = 0;
  for (const { applicationId, name, at, version } of suspensions) {
    const { count } = await sql`
      ${insertEvents(
        sql,
        [
          {
            id: newId('event', clock),
            definition: applicationSuspended,
            subject: sql`${applicationId}::text`,
            aggregateId: sql`${applicationId}::text`,
            sequence: sql`${version}::integer`,
            occurrence: sql`${version}::integer`,
            correlationId: sql`null::text`,
            data: eventData(sql, applicationSuspended, {
              applicationId: sql`${applicationId}::text`,
              name: sql`${name}::text`,
            }),
            from: sql`(select) one`,
          },
        ],
        new Date(at),
      )}
      on conflict do nothing`;
    announced += count;
  }
  return announced;
}
