import type { Context } from 'aws-lambda';
import type { DatabaseRole } from '../../contract/deploy/roles.ts';
import { describeError } from '../../kernel/log.ts';
import { type Runtime, remaining, runtime, untilDeadline, wireOnce } from './lambda.ts';

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
  return async (payload, context) => {
    const {
      runtime: { log, meter, stopwatch },
      deps,
    } = wired();
    const startedAt = stopwatch.elapsed();
    try {
      const limit = remaining(context, job.timeoutSeconds * 1000);
      const result = await untilDeadline(run(deps, payload), limit, job.databaseRole);
      log.info('job done', { job: job.name, milliseconds: stopwatch.elapsed() - startedAt, ...result });
      return result;
    } catch (error) {
      log.error('job failed', { job: job.name, error: describeError(error) });
      throw error;
    } finally {
      meter.flush();
    }
  };
}
