import { gunzipSync } from 'node:zlib';
import type { Context } from 'aws-lambda';
import * as z from 'zod/mini';
import type { DatabaseRole } from '../../contract/deploy/roles.ts';
import { logged, type Runtime, runtime, wireOnce } from './lambda.ts';

/** The event of a function that subscribes to log groups in CloudWatch Logs. */
const event = z.object({ awslogs: z.object({ data: z.string() }) });
const batch = z.object({
  messageType: z.string(),
  logEvents: z.array(z.object({ id: z.string(), timestamp: z.number(), message: z.string() })),
});

/**
 * The Lambda handler of a stream of log lines. `run` gets the lines as parsed JSON. Lines that do not match the schema
 * are counted and skipped, so that they do not block the others. When `run` throws, Lambda retries with the same lines.
 */
export function streamHandler<S extends z.ZodMiniType, D, R extends Record<string, unknown>>(
  stream: { name: string; databaseRole: DatabaseRole | null; timeoutSeconds: number },
  schema: S,
  run: (lines: z.output<S>[], deps: D) => Promise<R>,
  wire: (runtime: Runtime) => D,
): (payload: unknown, context?: Context) => Promise<R | undefined> {
  const wired = wireOnce(runtime, wire);
  const { name, databaseRole, timeoutSeconds } = stream;
  const says = { line: { stream: name }, done: 'lines processed', failed: 'lines not processed' };
  return (payload, context) =>
    logged(wired(), context, { databaseRole, timeoutSeconds, ...says }, async ({ runtime, deps, line, within }) => {
      const { messageType, logEvents } = linesIn(payload);
      line.messageType = messageType;
      // CloudWatch Logs sends a control message to check that the subscription works.
      if (messageType !== 'DATA_MESSAGE') return undefined;
      const read = logEvents.map(({ message }) => z.safeParse(schema, parsed(message)));
      const lines = read.flatMap(({ success, data }) => (success ? [data] : []));
      const unreadable = read.length - lines.length;
      if (unreadable > 0) runtime.meter.count('AccessLinesUnreadable', unreadable);
      const result = await within(run(lines as z.output<S>[], deps));
      Object.assign(line, { lines: lines.length, unreadable, ...result });
      return result;
    });
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
