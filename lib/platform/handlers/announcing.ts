import { outboxDue, outboxSource } from '../../contract/events/define-event.ts';
import { describeError, type Logger } from '../../kernel/log.ts';
import { sharedRuns } from '../../kernel/shared-runs.ts';
import { tellBus } from '../event-bus.ts';

type Log = Pick<Logger, 'warn'>;

/** A request is not kept waiting for the bus: the schedule finds what a lost message would have told. */
const patienceMs = 500;

const runs = sharedRuns<void>();
const tell = () =>
  runs('publisher', () =>
    tellBus({ source: outboxSource, type: outboxDue }, { abortSignal: AbortSignal.timeout(patienceMs) }),
  );

/** Tells the publisher that the outbox has events, once they are committed. Requests at the same time share a message. */
export const tellPublisher = (log: Log): Promise<void> =>
  tell().catch((error: unknown) => log.warn('publisher not told', { error: describeError(error) }));

/**
 * The same `run`, which tells the publisher when it has ended. For what writes events without a saga, whose beginning and end
 * tell the publisher by themselves.
 */
export const announcing =
  <R extends { log: Log }, D, T>(run: (request: R, deps: D) => Promise<T>) =>
  async (request: R, deps: D): Promise<T> => {
    const result = await run(request, deps);
    await tellPublisher(request.log);
    return result;
  };
