import type { Context } from 'aws-lambda';
import type { DatabaseRole } from '../../contract/deploy/roles.ts';
import { logged, type Runtime, runtime, wireOnce } from './lambda.ts';

/**
 * The Lambda handler of a job. It logs what the job did, and fails when the job fails. Schedules pass no payload; `run` parses
 * the one of whoever else starts it.
 */
export function jobHandler<D, R extends Record<string, unknown>>(
  job: { name: string; databaseRole: DatabaseRole | null; timeoutSeconds: number },
  run: (deps: D, payload: unknown) => Promise<R>,
  wire: (runtime: Runtime) => D,
): (event: unknown, context?: Context) => Promise<R> {
  const wired = wireOnce(runtime, wire);
  const { name, databaseRole, timeoutSeconds } = job;
  const says = { line: { job: name }, done: 'job done', failed: 'job failed' };
  return (payload, context) =>
    logged(wired(), context, { databaseRole, timeoutSeconds, ...says }, async ({ deps, line, within }) => {
      const result = await within(run(deps, payload));
      Object.assign(line, result);
      return result;
    });
}
