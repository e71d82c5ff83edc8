import { consumers } from '../functions/consumers.ts';
import { jobs } from '../functions/jobs.ts';
import { routes } from '../functions/routes.ts';
import { steps } from '../functions/steps.ts';
import { streams } from '../functions/streams.ts';
import { runner } from './constructs/migrations.ts';

/** The handler of every deployed function: its name → its source, relative to the repository. */
export function handlerSources(): Record<string, string> {
  const tables = [routes, steps, jobs, streams, consumers];
  const handlers = tables.flatMap((table) => Object.values<{ handler: string }>(table)).map(({ handler }) => handler);
  return {
    ...Object.fromEntries(handlers.map((handler) => [handler, `functions/${handler}.ts`])),
    [runner.handler]: runner.source,
  };
}
