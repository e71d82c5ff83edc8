import type { Context } from 'aws-lambda';
import * as z from 'zod/mini';
import type { DatabaseRole } from '../../contract/deploy/roles.ts';
import { type EventDefinition, type EventOf, envelopeOf } from '../../contract/events/define-event.ts';
import { describeError } from '../../kernel/log.ts';
import { type Runtime, remaining, runtime, untilDeadline, wireOnce } from './lambda.ts';

/** An event of Amazon EventBridge, as far as it is used. */
const delivery = z.object({ 'detail-type': z.string(), detail: z.unknown() });

/**
 * The Lambda handler of a consumer. `run` gets an event that follows the schema of its type and version. Any other one
 * rejects, as does one whose run rejects: it is delivered again, and in the end kept in the dead-letter queue. Events come at
 * least once and in any order.
 */
export function consumerHandler<const Definition extends EventDefinition, D>(
  consumer: { name: string; databaseRole: DatabaseRole | null; timeoutSeconds: number },
  definitions: readonly Definition[],
  run: (event: EventOf<Definition>, deps: D) => Promise<string>,
  wire: (runtime: Runtime) => D,
): (payload: unknown, context?: Context) => Promise<{ outcome: string }> {
  const wired = wireOnce(runtime, wire);
  const schema = z.discriminatedUnion('type', definitions.map(envelopeOf) as never);
  return async (payload, context) => {
    const {
      runtime: { log, meter, stopwatch },
      deps,
    } = wired();
    const startedAt = stopwatch.elapsed();
    const { name } = consumer;
    let about: { event?: string; type?: string; correlationId?: string | null } = {};
    try {
      const { detail } = z.parse(delivery, payload);
      const event = z.parse(schema, detail) as EventOf<Definition>;
      about = { event: event.id, type: event.type, correlationId: event.correlationId };
      const limit = remaining(context, consumer.timeoutSeconds * 1000);
      const outcome = await untilDeadline(run(event, deps), limit, consumer.databaseRole);
      log.info('event consumed', { consumer: name, ...about, outcome, milliseconds: stopwatch.elapsed() - startedAt });
      return { outcome };
    } catch (error) {
      log.error('event not consumed', { consumer: name, ...about, error: describeError(error) });
      throw error;
    } finally {
      meter.flush();
    }
  };
}
