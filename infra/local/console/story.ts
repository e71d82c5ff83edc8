import { redacted } from '../../../lib/kernel/redact.ts';
import type { RawEvent } from './states-api.ts';

/** One call of a step. Times are milliseconds since the epoch. */
export type Attempt = {
  startedAt: number;
  endedAt: number | null;
  result: 'under-way' | 'succeeded' | 'failed' | 'timed-out';
  error: string | null;
  message: string | null;
  trace: string[];
};

/** A stay in a state. `endedAt` is null while the execution is in it, or when it ended there. */
export type Visit = { state: string; enteredAt: number; endedAt: number | null; attempts: Attempt[] };

/**
 * An execution's history as the states that it went through, in order. The machine runs one state at a time, so an event
 * belongs to the state entered last. Nothing of what was handed over is in it, and no secret.
 */
export function visitsOf(events: readonly RawEvent[]): Visit[] {
  const visits: Visit[] = [];
  for (const event of events) {
    const at = event.timestamp * 1000;
    const entered = event.stateEnteredEventDetails as { name: string } | undefined;
    const visit = visits.at(-1);
    if (entered !== undefined) {
      visits.push({ state: entered.name, enteredAt: at, endedAt: null, attempts: [] });
    } else if (visit === undefined) {
    } else if (event.type.endsWith('StateExited')) {
      visit.endedAt = at;
    } else {
      addToAttempts(visit.attempts, event, at);
    }
  }
  return visits;
}

function addToAttempts(attempts: Attempt[], event: RawEvent, at: number): void {
  const [, what] = /^(?:LambdaFunction|Task)(Scheduled|Succeeded|\w*Failed|TimedOut)$/.exec(event.type) ?? [];
  if (what === 'Scheduled') {
    attempts.push({ startedAt: at, endedAt: null, result: 'under-way', error: null, message: null, trace: [] });
    return;
  }
  const open = attempts.at(-1);
  if (what === undefined || open === undefined || open.endedAt !== null) return;
  const result = what === 'Succeeded' ? 'succeeded' : what === 'TimedOut' ? 'timed-out' : 'failed';
  Object.assign(open, { endedAt: at, result }, result === 'succeeded' ? {} : failureIn(event));
}

function failureIn(event: RawEvent): Pick<Attempt, 'error' | 'message' | 'trace'> {
  const details = Object.entries(event).find(([name]) => name.endsWith('EventDetails'))?.[1];
  const { error, cause } = (details ?? {}) as { error?: string; cause?: string };
  return { error: error === undefined ? null : redacted(error), ...readCause(cause) };
}

/** The calls of a stack trace, with paths from this checkout's root. */
export const framesOf = (lines: readonly string[]): string[] =>
  lines.filter((line) => /^\s*at /.test(line)).map((line) => redacted(line.replaceAll(root, '')));

/** Where this checkout is, which everybody knows who looks at it. */
const root = new URL('../../../', import.meta.url).href;

/** Lambda's cause is JSON with the message and the stack trace. */
export function readCause(cause: string | undefined): { message: string | null; trace: string[] } {
  if (cause === undefined) return { message: null, trace: [] };
  try {
    const { errorMessage = cause, trace = [] } = JSON.parse(cause) as { errorMessage?: string; trace?: string[] };
    return { message: redacted(String(errorMessage)), trace: framesOf(trace) };
  } catch {
    return { message: redacted(cause), trace: [] };
  }
}
