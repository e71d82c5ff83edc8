import type { Clock } from '../../../lib/kernel/clock.ts';
import { toTimestamp } from '../../../lib/kernel/clock.ts';
import { holds } from './choice.ts';
import type { Machine, Retrier, State } from './definition.ts';
import { fromLambda, StateError } from './errors.ts';
import { evaluate, fillTemplate, type Json, putResult, type Scope } from './expressions.ts';
import { pause, within } from './pauses.ts';

/** Where an execution stands: a state, the input it was entered with (JSON text), and the retries it has used. */
export type Position = { state: string; input: string; enteredAt: number; attempts: number[]; isNew: boolean };

/** What the interpreter needs from outside. `record` writes a history event; the position is saved before each step. */
export type Host = {
  invoke(resource: string, payload: unknown): Promise<unknown>;
  record(type: string, details?: Record<string, unknown>): void;
  save(position: Position): void;
  context: Record<string, Json>;
  clock: Clock;
  signal: AbortSignal;
  pauseScale: number;
};

const largestPayload = 262_144;

/**
 * Runs a machine from a position to its end and returns the output as JSON text. Throws StateError when the
 * execution failed, and the reason of `host.signal` when that was aborted.
 * Follows https://states-language.net/spec.html
 */
export async function interpret(machine: Machine, position: Position, host: Host): Promise<string> {
  for (;;) {
    host.signal.throwIfAborted();
    const state = machine.States[position.state];
    if (!state) throw new StateError('States.Runtime', `The definition has no state '${position.state}' any more.`);
    if (position.isNew) {
      host.save(position);
      host.record(`${state.Type}StateEntered`, {
        stateEnteredEventDetails: { name: position.state, ...given('input', position.input) },
      });
    }
    const { output, next } = await runState(state, position, host);
    const text = JSON.stringify(output);
    checkSize(position.state, text);
    host.record(`${state.Type}StateExited`, {
      stateExitedEventDetails: { name: position.state, ...given('output', text) },
    });
    if (next === undefined) return text;
    position = { state: next, input: text, enteredAt: host.clock.now(), attempts: [], isNew: true };
  }
}

/** A payload as history events carry it. */
export const given = (field: 'input' | 'output', text: string) => ({
  [field]: text,
  [`${field}Details`]: { truncated: false },
});

type Step = { output: Json; next: string | undefined };

async function runState(state: State, position: Position, host: Host): Promise<Step> {
  const raw = JSON.parse(position.input) as Json;
  const context = contextOf(position, host);
  try {
    if (state.Type === 'Task') return await runTask(state, raw, position, host);
    const input = select(state.InputPath, raw, context);
    const scope = { input, context };
    if (state.Type === 'Fail') throw failure(state, { input: raw, context });
    if (state.Type === 'Choice')
      return { output: select(state.OutputPath, input, context), next: choose(state, scope) };
    if (state.Type === 'Wait') await waitUntil(dueTime(state, scope, position), host);
    if (state.Type !== 'Pass') return { output: select(state.OutputPath, input, context), next: state.Next };
    const filled = state.Parameters === undefined ? input : fillTemplate(state.Parameters, scope);
    const result = state.Result === undefined ? filled : state.Result;
    return { output: select(state.OutputPath, putResult(state.ResultPath, raw, result), context), next: state.Next };
  } catch (error) {
    if (!(error instanceof StateError) || error.error !== 'States.Runtime' || state.Type === 'Fail') throw error;
    throw new StateError(
      error.error,
      `An error occurred while executing the state '${position.state}'. ${error.causeText}`,
    );
  }
}

async function runTask(state: State, raw: Json, position: Position, host: Host): Promise<Step> {
  for (;;) {
    const context = contextOf(position, host);
    try {
      const scope = { input: select(state.InputPath, raw, context), context };
      const payload = state.Parameters === undefined ? scope.input : fillTemplate(state.Parameters, scope);
      const result = await callLambda(state, payload, scope, position, host);
      const selected =
        state.ResultSelector === undefined ? result : fillTemplate(state.ResultSelector, { input: result, context });
      return {
        output: select(state.OutputPath, putResult(state.ResultPath, raw, selected), context),
        next: state.Next,
      };
    } catch (error) {
      if (!(error instanceof StateError)) throw error;
      if (await retried(state, error, position, host)) continue;
      const catcher = state.Catch?.find(({ ErrorEquals }) => matches(ErrorEquals, error));
      if (!catcher) throw error;
      const caught = { Error: error.error ?? '', Cause: error.causeText ?? '' };
      return { output: putResult(catcher.ResultPath, raw, caught), next: catcher.Next };
    }
  }
}

async function callLambda(state: State, payload: Json, scope: Scope, position: Position, host: Host): Promise<Json> {
  const input = JSON.stringify(payload);
  const seconds = timeoutOf(state, scope);
  const scheduled = {
    resource: state.Resource,
    ...given('input', input),
    ...(seconds && { timeoutInSeconds: seconds }),
  };
  host.record('LambdaFunctionScheduled', { lambdaFunctionScheduledEventDetails: scheduled });
  host.record('LambdaFunctionStarted');
  let output: string;
  try {
    const answer = await within(seconds, host.signal, () => host.invoke(state.Resource!, JSON.parse(input)));
    output = toJson(answer);
    checkSize(position.state, output);
  } catch (thrown) {
    host.signal.throwIfAborted();
    const error = fromLambda(thrown);
    const details = { error: error.error, cause: error.causeText };
    if (error.error === 'States.Timeout')
      host.record('LambdaFunctionTimedOut', { lambdaFunctionTimedOutEventDetails: details });
    else host.record('LambdaFunctionFailed', { lambdaFunctionFailedEventDetails: details });
    throw error;
  }
  host.record('LambdaFunctionSucceeded', { lambdaFunctionSucceededEventDetails: given('output', output) });
  return JSON.parse(output);
}

function toJson(answer: unknown): string {
  try {
    return JSON.stringify(answer) ?? 'null';
  } catch (error) {
    throw Object.assign(new Error(`Unable to stringify response body: ${(error as Error).message}`), {
      name: 'Runtime.MarshalError',
    });
  }
}

async function retried(state: State, error: StateError, position: Position, host: Host): Promise<boolean> {
  const index = state.Retry?.findIndex(({ ErrorEquals }) => matches(ErrorEquals, error)) ?? -1;
  const retrier = state.Retry?.[index];
  if (!retrier) return false;
  const used = position.attempts[index] ?? 0;
  if (used >= (retrier.MaxAttempts ?? 3)) return false;
  position.attempts = Array.from(
    { length: state.Retry!.length },
    (_, i) => (position.attempts[i] ?? 0) + (i === index ? 1 : 0),
  );
  host.save(position);
  await pause(retryDelay(retrier, used) * host.pauseScale, host.signal);
  return true;
}

function retryDelay(retrier: Retrier, used: number): number {
  const grown = (retrier.IntervalSeconds ?? 1) * (retrier.BackoffRate ?? 2) ** used;
  const seconds = Math.min(grown, retrier.MaxDelaySeconds ?? 99_999_999);
  return 1000 * (retrier.JitterStrategy === 'FULL' ? Math.random() * seconds : seconds);
}

function matches(names: string[], { error }: StateError): boolean {
  if (error === 'States.Runtime') return false;
  if (error !== null && names.includes(error)) return true;
  if (error === 'States.DataLimitExceeded') return false;
  return names.includes('States.ALL') || (names.includes('States.TaskFailed') && error !== 'States.Timeout');
}

function choose(state: State, scope: Scope): string {
  const next = state.Choices!.find((rule) => holds(rule, scope))?.Next ?? state.Default;
  if (next === undefined)
    throw new StateError('States.NoChoiceMatched', 'No choice rule matched and the state has no Default.');
  return next;
}

function failure(state: State, scope: Scope): StateError {
  const text = (path: string | undefined, fixed: string | undefined) => {
    if (path === undefined) return fixed ?? null;
    const value = evaluate(path, scope);
    if (typeof value !== 'string')
      throw new StateError('States.Runtime', `The path '${path}' of a Fail state must give a string.`);
    return value;
  };
  return new StateError(text(state.ErrorPath, state.Error), text(state.CausePath, state.Cause));
}

/** When a Wait ends, and how long it was asked to last, in milliseconds. */
function dueTime(state: State, scope: Scope, { enteredAt }: Position): { at: number; from: number } {
  const moment =
    state.Timestamp ?? (state.TimestampPath === undefined ? undefined : evaluate(state.TimestampPath, scope));
  const seconds = state.Seconds ?? (state.SecondsPath === undefined ? undefined : evaluate(state.SecondsPath, scope));
  const at = moment === undefined ? enteredAt + Number(seconds) * 1000 : Date.parse(String(moment));
  if (Number.isNaN(at) || (moment === undefined && typeof seconds !== 'number'))
    throw new StateError('States.Runtime', `A Wait state got ${JSON.stringify(moment ?? seconds)} as its time.`);
  return { at, from: enteredAt };
}

async function waitUntil({ at, from }: { at: number; from: number }, host: Host) {
  const end = from + (at - from) * host.pauseScale;
  await pause(end - host.clock.now(), host.signal);
}

function timeoutOf(state: State, scope: Scope): number | undefined {
  if (state.TimeoutSecondsPath === undefined) return state.TimeoutSeconds;
  const seconds = evaluate(state.TimeoutSecondsPath, scope);
  if (typeof seconds === 'number' && Number.isInteger(seconds) && seconds > 0) return seconds;
  throw new StateError(
    'States.Runtime',
    `The TimeoutSecondsPath '${state.TimeoutSecondsPath}' must give a positive whole number.`,
  );
}

function select(path: string | null | undefined, value: Json, context: Json): Json {
  if (path === undefined) return value;
  return path === null ? {} : evaluate(path, { input: value, context });
}

function contextOf({ state, enteredAt, attempts }: Position, host: Host): Json {
  const RetryCount = attempts.reduce((sum, used) => sum + used, 0);
  return { ...host.context, State: { Name: state, EnteredTime: toTimestamp(enteredAt), RetryCount } };
}

function checkSize(state: string, text: string) {
  if (Buffer.byteLength(text) > largestPayload)
    throw new StateError(
      'States.DataLimitExceeded',
      `The state/task '${state}' returned a result with a size exceeding the maximum number of bytes service limit.`,
    );
}
