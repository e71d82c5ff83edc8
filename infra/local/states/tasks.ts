import { callFunction } from './calls.ts';
import { type Retrier, type State, waitsForCallback } from './definition.ts';
import { StateError } from './errors.ts';
import { fillTemplate, type Json, putResult } from './expressions.ts';
import { contextOf, type Host, type Position, type Step, select } from './host.ts';
import { reach } from './pauses.ts';

/** Runs a Task state with its retries and catchers. Throws the StateError that nothing caught. */
export async function runTask(state: State, raw: Json, position: Position, host: Host): Promise<Step> {
  for (;;) {
    const token = waitsForCallback(state) ? (position.task?.token ?? host.newToken()) : undefined;
    const context = { ...contextOf(position, host), ...(token !== undefined && { Task: { Token: token } }) };
    try {
      const scope = { input: select(state.InputPath, raw, context), context };
      const payload = state.Parameters === undefined ? scope.input : fillTemplate(state.Parameters, scope);
      const result = await callFunction({ state, payload, scope, position, host, token });
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
  position.task = null;
  host.save(position);
  await reach(host.clock.now() + retryDelay(retrier, used) * host.pauseScale, host.clock, host.signal);
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
