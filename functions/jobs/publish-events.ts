import { type PublishDeps, publishEvents } from '../../lib/events/publish.ts';
import { eventBus } from '../../lib/platform/event-bus.ts';
import { jobHandler } from '../../lib/platform/handlers/job.ts';
import { sqlAs } from '../../lib/platform/sql.ts';
import type { Meter } from '../../lib/platform/telemetry.ts';
import { jobs } from '../jobs.ts';

type Deps = Omit<PublishDeps, 'sql'> & { sql: () => PublishDeps['sql']; meter: Pick<Meter, 'count'> };

export async function run(deps: Deps) {
  const counts = await publishEvents({ ...deps, sql: deps.sql() });
  if (counts.published > 0) deps.meter.count('EventsPublished', counts.published);
  deps.meter.count('OldestUnpublishedEvent', counts.oldest);
  return counts;
}

export const handler = jobHandler(jobs['publish-events'], run, ({ clock, stopwatch, meter, log }) => ({
  sql: () => sqlAs('publisher'),
  bus: eventBus((error) => log.error('events not published', { reason: String(error) })),
  clock,
  stopwatch,
  meter,
  limitMs: (jobs['publish-events'].timeoutSeconds - 15) * 1000,
  onRefused: (events) => log.warn('events refused', { count: events.length, first: events[0]?.id }),
}));
