import type { Context } from 'aws-lambda';
import * as z from 'zod/mini';
import type { DatabaseRole } from '../../contract/deploy/roles.ts';
import { type EventDefinition, type EventOf, envelopeOf } from '../../contract/events/define-event.ts';
import { correlated } from '../../kernel/correlation.ts';
import { logged, type Runtime, runtime, wireOnce } from './lambda.ts';

/** An event of Amazon EventBridge, as far as it is used. */
const delivery = z.object({ detail: z.unknown() });

/**
 * The Lambda handler of a consumer. `run` gets the `detail` of what was delivered, if it matches the schema. Anything else
 * rejects, as does what `run` rejects: it is delivered again, and in the end kept in the dead-letter queue. Deliveries come at
 * least once and in any order.
 */
export function consumerHandler<S extends z.ZodMiniType, D>(
  consumer: { name: string; databaseRole: DatabaseRole | null; timeoutSeconds: number },
  schema: S,
  run: (detail: z.output<S>, deps: D) => Promise<Record<string, unknown>>,
  wire: (runtime: Runtime) => D,
): (payload: unknown, context?: Context) => Promise<Record<string, unknown>> {
  const wired = wireOnce(runtime, wire);
  const { name, databaseRole, timeoutSeconds } = consumer;
  const says = { line: { consumer: name }, done: 'event consumed', failed: 'event not consumed' };
  return (payload, context) =>
    logged(wired(), context, { databaseRole, timeoutSeconds, ...says }, async ({ deps, line, within }) => {
      const { detail } = z.parse(delivery, payload);
      const named = describe(detail);
      Object.assign(line, named);
      const result = await within(correlated(named.correlationId, () => run(z.parse(schema, detail), deps)));
      Object.assign(line, result);
      return result;
    });
}

/** The schema of any event of some kinds. An unknown version does not match, so it is kept and not dropped. */
export const anyOf = <const Definition extends EventDefinition>(
  definitions: readonly Definition[],
): z.ZodMiniType<EventOf<Definition>> => z.discriminatedUnion('type', definitions.map(envelopeOf) as never) as never;

/** What names the event in the log. */
function describe(detail: unknown): { event?: unknown; type?: unknown; correlationId?: unknown } {
  const { id, type, correlationId } = (detail ?? {}) as Record<string, unknown>;
  return id === undefined ? {} : { event: id, type, correlationId };
}
