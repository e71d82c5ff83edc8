import { type PublishDeps, publishEvents } from '../../lib/events/publish.ts';
import { type ListEndpoints, recentEndpoints, wantedTypes } from '../../lib/events/webhooks/route.ts';
import type { Logger } from '../../lib/kernel/log.ts';
import { eventBus } from '../../lib/platform/event-bus.ts';
import { jobHandler } from '../../lib/platform/handlers/job.ts';
import { wakeReadModels } from '../../lib/platform/read-model-signals.ts';
import { sqlAs } from '../../lib/platform/sql.ts';
import { webhookStore } from '../../lib/platform/stores.ts';
import type { Meter } from '../../lib/platform/telemetry.ts';
import { jobs } from '../jobs.ts';

type Deps = Omit<PublishDeps, 'sql'> & {
  sql: () => PublishDeps['sql'];
  meter: Pick<Meter, 'count'>;
  wakeReadModels: typeof wakeReadModels;
};

/** When this process has woken the read models last, as its stopwatch shows. */
let wokenAt = Number.NEGATIVE_INFINITY;
/** A run of theirs looks again after longer, so it sees what is published meanwhile. */
const wakeEveryMs = 400;

export async function run(deps: Deps) {
  const counts = await publishEvents({ ...deps, sql: deps.sql() });
  if (counts.published > 0) deps.meter.count('EventsPublished', counts.published);
  deps.meter.count('OldestUnpublishedEvent', counts.oldest);
  // Once a minute in any case: a read model may have missed the last time.
  const now = deps.stopwatch.elapsed();
  if (counts.published > 0 && now - wokenAt >= wakeEveryMs) {
    wokenAt = now;
    await deps.wakeReadModels({ published: true });
  } else if (counts.published === 0 && now - wokenAt >= 60_000) {
    // A run that looks once, so the next event wakes one again.
    wokenAt = now - wakeEveryMs;
    await deps.wakeReadModels();
  }
  return counts;
}

const busFor = (endpoints: ListEndpoints, log: Logger) =>
  eventBus(
    () => wantedTypes(endpoints, (error) => log.warn('webhook endpoints not read', { reason: String(error) })),
    (error) => log.error('events not published', { reason: String(error) }),
  );

export const handler = jobHandler(jobs['publish-events'], run, ({ clock, stopwatch, meter, log }) => ({
  sql: () => sqlAs('publisher'),
  bus: busFor(recentEndpoints(webhookStore(), stopwatch), log),
  clock,
  stopwatch,
  meter,
  wakeReadModels: (detail) =>
    wakeReadModels(detail).catch((error) => log.warn('read models not woken', { reason: String(error) })),
  limitMs: (jobs['publish-events'].timeoutSeconds - 15) * 1000,
  onRefused: (events) => log.warn('events refused', { count: events.length, first: events[0]?.id }),
}));
