import { randomBytes } from 'node:crypto';

/** How a callback ended a task; `output` is JSON text. */
export type Outcome = { output: string } | { error: string | null; cause: string | null };

/** A task that waits for a callback with its token. Times are milliseconds since the epoch. */
export type OpenTask = {
  token: string;
  scheduledAt: number;
  timeoutSeconds: number | null;
  heartbeatSeconds: number | null;
  /** When the last heartbeat came; the task's start counts as one. */
  heartbeatAt: number;
  /** Whether its function has answered, so that only the callback is missing. */
  submitted: boolean;
  outcome: Outcome | null;
};

const secretLength = 400;

/**
 * A token of an execution's next task. As long and with the same characters as those of AWS, so that what stores it or
 * passes it on is tried with such.
 */
export const newToken = (execution: string): string =>
  Buffer.concat([Buffer.from(execution), Buffer.of(0), randomBytes(secretLength)]).toString('base64');

/** The execution that a token belongs to, undefined for what is no token. */
export function executionOf(token: string): string | undefined {
  const bytes = Buffer.from(token, 'base64');
  const length = bytes.indexOf(0);
  if (length < 1 || bytes.length !== length + 1 + secretLength || bytes.toString('base64') !== token) return undefined;
  return bytes.toString('utf8', 0, length);
}

/** When a task times out unless it is answered or another heartbeat comes. */
export const dueAt = (task: OpenTask): number => Math.min(timeoutAt(task), heartbeatDueAt(task));

/** Whether it is the heartbeat that comes too late first. */
export const missesHeartbeat = (task: OpenTask): boolean => heartbeatDueAt(task) < timeoutAt(task);

const timeoutAt = ({ scheduledAt, timeoutSeconds }: OpenTask) => scheduledAt + (timeoutSeconds ?? Infinity) * 1000;
const heartbeatDueAt = ({ heartbeatAt, heartbeatSeconds }: OpenTask) =>
  heartbeatAt + (heartbeatSeconds ?? Infinity) * 1000;
