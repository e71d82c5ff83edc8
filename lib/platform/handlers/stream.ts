import { gunzipSync } from 'node:zlib';
import type { Context } from 'aws-lambda';
import * as z from 'zod/mini';
import type { DatabaseRole } from '../../contract/deploy/roles.ts';
import { describeError } from '../../kernel/describe-error.ts';
import { runtime } from '../runtime.ts';
import { type Runtime, remaining, untilDeadline, wireOnce } from './lambda.ts';

/** What CloudWatch Logs hands to a function that is subscribed to log groups. */
const event = z.object({ awslogs: z.object({ data: z.string() }) });
const batch = z.object({
  messageType: z.string(),
  logEvents: z.array(z.object({ id: z.string(), timestamp: z.number(), message: z.string() })),
});

/**
 * The Lambda handler of a handler that is handed lines of logs, each as the JSON that it holds. Lines that do not fit the
 * schema are counted and left out, so that they do not keep the others back. What `run` throws makes Lambda try again
 * with the same lines.
 */
export function streamHandler<S extends z.ZodMiniType, D, R extends Record<string, unknown>>(
  stream: { name: string; databaseRole: DatabaseRole | null; timeoutSeconds: number },
  schema: S,
  run: (lines: z.output<S>[], deps: D) => Promise<R>,
  wire: (runtime: Runtime) => D,
): (payload: unknown, context?: Context) => Promise<R | undefined> {
  const wired = wireOnce(runtime, wire);
  return async (payload, context) => {
    const {
      runtime: { log, meter, stopwatch },
      deps,
    } = wired();
    const startedAt = stopwatch.elapsed();
    const told = { stream: stream.name };
    try {
      const { messageType, logEvents } = linesIn(payload);
      // CloudWatch Logs asks once whether anybody is there.
      if (messageType !== 'DATA_MESSAGE') return undefined;
      const read = logEvents.map(({ message }) => z.safeParse(schema, parsed(message)));
      const lines = read.flatMap(({ success, data }) => (success ? [data] : []));
      const unreadable = read.length - lines.length;
      if (unreadable > 0) meter.count('AccessLinesUnreadable', unreadable);
      const limit = remaining(context, stream.timeoutSeconds * 1000);
      const result = await untilDeadline(run(lines as z.output<S>[], deps), limit, stream.databaseRole);
      const milliseconds = stopwatch.elapsed() - startedAt;
      log.info('lines taken', { ...told, milliseconds, lines: lines.length, unreadable, ...result });
      return result;
    } catch (error) {
      log.error('lines not taken', { ...told, error: describeError(error) });
      throw error;
    } finally {
      meter.flush();
    }
  };
}

const linesIn = (payload: unknown): z.output<typeof batch> => {
  const { data } = z.parse(event, payload).awslogs;
  return z.parse(batch, JSON.parse(gunzipSync(Buffer.from(data, 'base64')).toString()));
};

function parsed(message: string): unknown {
  try {
    return JSON.parse(message);
  } catch {
    return undefined;
  }
}
