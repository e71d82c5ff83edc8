import type { Context } from 'aws-lambda';
import * as z from 'zod/mini';
import type { DatabaseRole } from '../../contract/deploy/roles.ts';
import { correlated } from '../../kernel/correlation.ts';
import { SagaRefusal } from '../../kernel/errors.ts';
import { logged, type Runtime, runtime, wireOnce } from './lambda.ts';

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
  const { name, databaseRole } = step;
  return (event, context) =>
    logged(
      wired(),
      context,
      { databaseRole, line: { step: name }, done: 'step done', failed: 'step failed', expected: refusal },
      ({ deps, line, within }) => {
        const input = z.parse(schema, event);
        const { orderId, correlationId } = input as { orderId?: string; correlationId?: string };
        Object.assign(line, { orderId, correlationId });
        return within(correlated(correlationId, () => run(input, deps)));
      },
    );
}

const refusal = (error: unknown) =>
  error instanceof SagaRefusal
    ? { message: 'step refused', fields: { refusal: error.name, detail: error.message } }
    : undefined;
