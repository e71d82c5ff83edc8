import { jobs } from '../functions/jobs.ts';
import { routes } from '../functions/routes.ts';
import { steps } from '../functions/steps.ts';
import { streams } from '../functions/streams.ts';
import { runner } from './constructs/migrations.ts';

/** Everything that is deployed as a function: its name → its source, relative to the repository. */
export function doorSources(): Record<string, string> {
  const tables = [routes, steps, jobs, streams];
  const doors = tables.flatMap((table) => Object.values<{ door: string }>(table)).map(({ door }) => door);
  return { ...Object.fromEntries(doors.map((door) => [door, `functions/${door}.ts`])), [runner.door]: runner.source };
}
