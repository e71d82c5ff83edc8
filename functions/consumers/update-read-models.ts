import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod/mini';
import { modelNames, startRebuild, type UpdateDeps, updateReadModels } from '../../lib/events/read-models/update.ts';
import { consumerHandler } from '../../lib/platform/handlers/consumer.ts';
import { wakeReadModels } from '../../lib/platform/read-model-signals.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import type { Meter } from '../../lib/platform/telemetry.ts';
import { consumers } from '../consumers.ts';

const message = z.object({ rebuild: z.optional(z.enum(modelNames)), published: z.optional(z.boolean()) });

type Deps = Omit<UpdateDeps, 'sql'> & {
  sql: () => Sql;
  wake: () => Promise<void>;
  sleep: (milliseconds: number) => Promise<unknown>;
  meter: Pick<Meter, 'count'>;
};

/** A publisher that has woken a run wakes no other for a little less than this. */
const goesOnForMs = 500;

/**
 * Lets the read models follow the feed, and begins a rebuild if the message asks for one. Where there were events, more
 * are on their way: the same run takes those too, a moment later. So does one that a publisher has woken and that found none,
 * since another run had taken them already.
 */
export async function run({ rebuild, published }: z.output<typeof message>, { wake, sleep, meter, ...deps }: Deps) {
  const sql = deps.sql();
  const startedAt = deps.stopwatch.elapsed();
  const started = rebuild === undefined ? {} : { rebuild, started: await startRebuild(sql, rebuild) };
  let updated = await updateReadModels({ ...deps, sql });
  if ((published || updated.applied > 0) && !updated.unfinished) {
    await sleep(startedAt + goesOnForMs - deps.stopwatch.elapsed());
    const limitMs = deps.limitMs - (deps.stopwatch.elapsed() - startedAt);
    const again = await updateReadModels({ ...deps, sql, limitMs });
    updated = { ...again, applied: updated.applied + again.applied };
  }
  meter.count('ReadModelLag', updated.lag);
  if (updated.unfinished) await wake();
  return { ...started, ...updated };
}

const consumer = consumers['update-read-models'];

export const handler = consumerHandler(consumer, message, run, ({ clock, stopwatch, meter }) => ({
  sql: () => sqlAs('read_models'),
  wake: wakeReadModels,
  now: clock.now,
  stopwatch,
  sleep,
  meter,
  limitMs: (consumer.timeoutSeconds - 20) * 1000,
}));
