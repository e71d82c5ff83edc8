import { randomBytes } from 'node:crypto';

/** A task that waits for a callback with its token. Times are milliseconds since the epoch. */
export type OpenTask = {
  token: string;
  scheduledAt: number;
  timeoutSeconds: number | null;
  /** Whether its function has answered, so that only the callback is missing. */
  submitted: boolean;
  /** What the callback brought, as JSON text; null until it comes. */
  output: string | null;
};

const secretLength = 400;

/** A token for an execution's next task. It has the length and the characters of a token of AWS. */
export const newToken = (machine: string, execution: string): string =>
  Buffer.concat([Buffer.from(`${machine}:${execution}`), Buffer.of(0), randomBytes(secretLength)]).toString('base64');

/** The state machine and the execution that a token belongs to; undefined when the text is not a token. */
export function ownerOf(token: string): { machine: string; execution: string } | undefined {
  const bytes = Buffer.from(token, 'base64');
  const length = bytes.indexOf(0);
  if (length < 1 || bytes.length !== length + 1 + secretLength || bytes.toString('base64') !== token) return undefined;
  const [machine, execution] = bytes.toString('utf8', 0, length).split(':');
  return execution === undefined ? undefined : { machine: machine!, execution };
}

/** When a task times out unless a callback comes first. */
export const dueAt = ({ scheduledAt, timeoutSeconds }: OpenTask): number =>
  scheduledAt + (timeoutSeconds ?? Infinity) * 1000;
