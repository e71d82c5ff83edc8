import type { Context } from 'aws-lambda';
import type { DatabaseRole } from '../../contract/deploy/roles.ts';
import { correlated } from '../../kernel/correlation.ts';
import { logged, type Runtime, runtime, wireOnce } from './lambda.ts';

/**
 * The Lambda handler of a job. It logs what the job did, and fails when the job fails. Schedules pass no payload; `run` parses
 * the one of whoever else starts it. What it leads to names its run, unless that is for an API request.
 */
export function jobHandler<D, R extends Record<string, unknown>>(
  job: { name: string; databaseRole: DatabaseRole | null; timeoutSeconds: number },
  run: (deps: D, payload: unknown) => Promise<R>,
  wire: (runtime: Runtime) => D,
): (event: unknown, context?: Context) => Promise<R> {
  const wired = wireOnce(runtime, wire);
  const { name, databaseRole, timeoutSeconds } = job;
  const says = { done: 'job done', failed: 'job failed' };
  return (payload, context) => {
    const correlationId = context && `${name}-${context.awsRequestId}`;
    const first = { job: name, ...(correlationId === undefined ? {} : { correlationId }) };
    return logged(wired(), context, { databaseRole, timeoutSeconds, line: first, ...says }, async (invocation) => {
      const result = await invocation.within(correlated(correlationId, () => run(invocation.deps, payload)));
      Object.assign(invocation.line, result);
      return result;
    });
  };
}
