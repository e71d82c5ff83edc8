import { holds } from './choice.ts';
import type { Machine, State } from './definition.ts';
import { StateError } from './errors.ts';
import { evaluate, fillTemplate, type Json, putResult, type Scope } from './expressions.ts';
import { checkSize, contextOf, given, type Host, type Position, type Step, select } from './host.ts';
import { reach } from './pauses.ts';
import { runTask } from './tasks.ts';

/**
 * Runs a machine from a position to its end and returns the output as JSON text. Throws StateError when the
 * execution fails, and the reason of `host.signal` when it is aborted.
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
    position = { state: next, input: text, enteredAt: host.clock.now(), attempts: [], task: null, isNew: true };
  }
}

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

/** When a Wait started and when it ends, in milliseconds since the epoch. */
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
  await reach(end, host.clock, host.signal);
}
