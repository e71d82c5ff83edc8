import { type PublishDeps, publishEvents } from '../../lib/events/publish.ts';
import { eventBus } from '../../lib/platform/event-bus.ts';
import { jobHandler } from '../../lib/platform/handlers/job.ts';
import { wakeReadModels } from '../../lib/platform/read-model-signals.ts';
import { sqlAs } from '../../lib/platform/sql.ts';
import type { Meter } from '../../lib/platform/telemetry.ts';
import { jobs } from '../jobs.ts';

type Deps = Omit<PublishDeps, 'sql'> & {
  sql: () => PublishDeps['sql'];
  meter: Pick<Meter, 'count'>;
  wakeReadModels: () => Promise<void>;
};

/** When this process has woken the read models last. */
let wokenAt = 0;

export async function run(deps: Deps) {
  const counts = await publishEvents({ ...deps, sql: deps.sql() });
  if (counts.published > 0) deps.meter.count('EventsPublished', counts.published);
  deps.meter.count('OldestUnpublishedEvent', counts.oldest);
  // Once a minute in any case: a read model may have missed the last time.
  if (counts.published > 0 || deps.clock.now() - wokenAt >= 60_000) {
    wokenAt = deps.clock.now();
    await deps.wakeReadModels();
  }
  return counts;
}

export const handler = jobHandler(jobs['publish-events'], run, ({ clock, stopwatch, meter, log }) => ({
  sql: () => sqlAs('publisher'),
  bus: eventBus((error) => log.error('events not published', { reason: String(error) })),
  clock,
  stopwatch,
  meter,
  wakeReadModels: () => wakeReadModels().catch((error) => log.warn('read models not woken', { reason: String(error) })),
  limitMs: (jobs['publish-events'].timeoutSeconds - 15) * 1000,
  onRefused: (events) => log.warn('events refused', { count: events.length, first: events[0]?.id }),
}));
