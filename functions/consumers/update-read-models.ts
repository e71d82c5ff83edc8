import * as z from 'zod/mini';
import { modelNames, startRebuild, type UpdateDeps, updateReadModels } from '../../lib/events/read-models/update.ts';
import { consumerHandler } from '../../lib/platform/handlers/consumer.ts';
import { wakeReadModels } from '../../lib/platform/read-model-signals.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import type { Meter } from '../../lib/platform/telemetry.ts';
import { consumers } from '../consumers.ts';

const message = z.object({ rebuild: z.optional(z.enum(modelNames)) });

type Deps = Omit<UpdateDeps, 'sql'> & { sql: () => Sql; wake: () => Promise<void>; meter: Pick<Meter, 'count'> };

/** Lets the read models follow the feed, and begins a rebuild if the message asks for one. */
export async function run({ rebuild }: z.output<typeof message>, { wake, meter, ...deps }: Deps) {
  const sql = deps.sql();
  const started = rebuild === undefined ? {} : { rebuild, started: await startRebuild(sql, rebuild) };
  const updated = await updateReadModels({ ...deps, sql });
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
  meter,
  limitMs: (consumer.timeoutSeconds - 20) * 1000,
}));
