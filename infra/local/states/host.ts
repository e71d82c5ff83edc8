import { toTimestamp } from '../../../lib/kernel/clock.ts';
import type { TimerClock } from '../clock.ts';
import type { OpenTask } from './callbacks.ts';
import { StateError } from './errors.ts';
import { evaluate, type Json } from './expressions.ts';

/**
 * The position of an execution: its state, the input of that state (JSON text), the retries that are used, and the task
 * that waits for a callback.
 */
export type Position = {
  state: string;
  input: string;
  enteredAt: number;
  attempts: number[];
  task: OpenTask | null;
  isNew: boolean;
};

/** What the interpreter needs from outside. `record` writes a history event; the position is saved before each step. */
export type Host = {
  invoke(resource: string, payload: unknown): Promise<unknown>;
  record(type: string, details?: Record<string, unknown>): void;
  save(position: Position): void;
  /** A token for a task of this execution. */
  newToken(): string;
  /** Resolves when the callback of the open task has come. */
  answered(): Promise<void>;
  context: Record<string, Json>;
  region: string;
  clock: TimerClock;
  signal: AbortSignal;
  pauseScale: number;
};

/** A state's output and the state that follows; undefined at the end. */
export type Step = { output: Json; next: string | undefined };

const largestPayload = 262_144;

/** A payload as history events carry it. */
export const given = (field: 'input' | 'output', text: string) => ({
  [field]: text,
  [`${field}Details`]: { truncated: false },
});

/** An error as history events carry it, without empty fields. */
export const errorDetails = ({ error, cause }: { error: string | null; cause: string | null }) => ({
  ...(error !== null && { error }),
  ...(cause !== null && { cause }),
});

/** The part of a value that InputPath or OutputPath asks for. */
export function select(path: string | null | undefined, value: Json, context: Json): Json {
  if (path === undefined) return value;
  return path === null ? {} : evaluate(path, { input: value, context });
}

/** The context object, `$$`. */
export function contextOf({ state, enteredAt, attempts }: Position, host: Host): Record<string, Json> {
  const RetryCount = attempts.reduce((sum, used) => sum + used, 0);
  return { ...host.context, State: { Name: state, EnteredTime: toTimestamp(enteredAt), RetryCount } };
}

/** Throws States.DataLimitExceeded when a state's output is too large. */
export function checkSize(state: string, text: string) {
  if (Buffer.byteLength(text) > largestPayload)
    throw new StateError(
      'States.DataLimitExceeded',
      `The state/task '${state}' returned a result with a size exceeding the maximum number of bytes service limit.`,
    );
}
