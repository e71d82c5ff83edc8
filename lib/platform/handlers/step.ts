import type { Context } from 'aws-lambda';
import * as z from 'zod/mini';
import type { DatabaseRole } from '../../contract/deploy/roles.ts';
import { SagaRefusal } from '../../kernel/errors.ts';
import { describeError } from '../../kernel/log.ts';
import { type Runtime, remaining, runtime, untilDeadline, wireOnce } from './lambda.ts';

/**
 * The Lambda handler of a saga step. The state machine matches errors by their names. Business refusals (`SagaRefusal`)
 * are expected; every other error is logged as such, and the state machine retries the step.
 */
export function stepHandler<S extends z.ZodMiniType, D, R>(
  step: { name: string; databaseRole: DatabaseRole | null },
  schema: S,
  run: (input: z.output<S>, deps: D) => Promise<R>,
  wire: (runtime: Runtime) => D,
): (event: unknown, context?: Context) => Promise<R> {
  const wired = wireOnce(runtime, wire);
  return async (event, context) => {
    const {
      runtime: { log, meter, stopwatch },
      deps,
    } = wired();
    const startedAt = stopwatch.elapsed();
    const input = z.parse(schema, event);
    const orderId = (input as { orderId?: string }).orderId;
    const line = { step: step.name, orderId };
    try {
      const result = await untilDeadline(run(input, deps), remaining(context, 30_000), step.databaseRole);
      log.info('step done', { ...line, milliseconds: stopwatch.elapsed() - startedAt });
      return result;
    } catch (error) {
      if (error instanceof SagaRefusal)
        log.info('step refused', { ...line, refusal: error.name, detail: error.message });
      else log.error('step failed', { ...line, error: describeError(error) });
      throw error;
    } finally {
      meter.flush();
    }
  };
}
