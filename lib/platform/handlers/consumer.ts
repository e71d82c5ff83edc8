import type { Context } from 'aws-lambda';
import * as z from 'zod/mini';
import type { DatabaseRole } from '../../contract/deploy/roles.ts';
import { type EventDefinition, type EventOf, envelopeOf } from '../../contract/events/define-event.ts';
import { describeError } from '../../kernel/log.ts';
import { type Runtime, remaining, runtime, untilDeadline, wireOnce } from './lambda.ts';

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
  return async (payload, context) => {
    const {
      runtime: { log, meter, stopwatch },
      deps,
    } = wired();
    const startedAt = stopwatch.elapsed();
    const { name } = consumer;
    let about: object = {};
    try {
      const { detail } = z.parse(delivery, payload);
      about = describe(detail);
      const limit = remaining(context, consumer.timeoutSeconds * 1000);
      const result = await untilDeadline(run(z.parse(schema, detail), deps), limit, consumer.databaseRole);
      log.info('event consumed', {
        consumer: name,
        ...about,
        ...result,
        milliseconds: stopwatch.elapsed() - startedAt,
      });
      return result;
    } catch (error) {
      log.error('event not consumed', { consumer: name, ...about, error: describeError(error) });
      throw error;
    } finally {
      meter.flush();
    }
  };
}

/** The schema of any event of some kinds. An unknown version does not match, so it is kept and not dropped. */
export const anyOf = <const Definition extends EventDefinition>(
  definitions: readonly Definition[],
): z.ZodMiniType<EventOf<Definition>> => z.discriminatedUnion('type', definitions.map(envelopeOf) as never) as never;

/** What names the event in the log. */
function describe(detail: unknown): object {
  const { id, type, correlationId } = (detail ?? {}) as Record<string, unknown>;
  return id === undefined ? {} : { event: id, type, correlationId };
}
