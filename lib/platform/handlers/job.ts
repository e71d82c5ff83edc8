import type { Context } from 'aws-lambda';
import type { DatabaseRole } from '../../contract/deploy/roles.ts';
import { describeError } from '../../kernel/log.ts';
import { type Runtime, remaining, runtime, untilDeadline, wireOnce } from './lambda.ts';

/** The Lambda handler of a scheduled job. It takes no input, logs what the job did, and fails when the job fails. */
export function jobHandler<D, R extends Record<string, unknown>>(
  job: { name: string; databaseRole: DatabaseRole | null; timeoutSeconds: number },
  run: (deps: D) => Promise<R>,
  wire: (runtime: Runtime) => D,
): (event: unknown, context?: Context) => Promise<R> {
  const wired = wireOnce(runtime, wire);
  return async (_event, context) => {
    const {
      runtime: { log, meter, stopwatch },
      deps,
    } = wired();
    const startedAt = stopwatch.elapsed();
    try {
      const limit = remaining(context, job.timeoutSeconds * 1000);
      const result = await untilDeadline(run(deps), limit, job.databaseRole);
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
