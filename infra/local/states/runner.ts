import { type Clock, toTimestamp } from '../../../lib/kernel/clock.ts';
import type { Machine } from './definition.ts';
import { ExecutionTimedOut, Halted, StateError } from './errors.ts';
import { given, interpret, type Position } from './interpret.ts';
import { pause } from './pauses.ts';
import type { Execution, Status, Store } from './store.ts';

export type Runner = ReturnType<typeof createRunner>;

export type RunnerOptions = {
  machine: Machine;
  arns: Arns;
  invoke: (resource: string, payload: unknown) => Promise<unknown>;
  store: Store;
  clock: Clock;
  pauseScale: number;
  log: (line: string) => void;
};

export type Arns = { machine: string; machineName: string; role: string; execution(name: string): string };

const longestHistory = 25_000;

/** Runs executions side by side and writes what happens to the store. */
export function createRunner({ machine, arns, invoke, store, clock, pauseScale, log }: RunnerOptions) {
  const live = new Map<string, { execution: Execution; controller: AbortController }>();
  let waiting: (() => void)[] = [];

  const record = (execution: Execution, type: string, details: Record<string, unknown> = {}) => {
    const id = ++execution.lastEvent;
    const previousEventId = id > 2 ? id - 1 : 0;
    store.append(execution.name, id, { timestamp: clock.now() / 1000, type, id, previousEventId, ...details });
    store.save(execution);
  };

  const close = (execution: Execution, status: Status, type: string, ending: Partial<Execution>) => {
    Object.assign(execution, ending, { status, stoppedAt: clock.now() });
    const { output, error, cause } = execution;
    const details =
      status === 'SUCCEEDED'
        ? given('output', output!)
        : { ...(error !== null && { error }), ...(cause !== null && { cause }) };
    record(execution, type, { [`${type[0]!.toLowerCase()}${type.slice(1)}EventDetails`]: details });
    live.delete(execution.name);
    if (live.size) return;
    for (const resolve of waiting) resolve();
    waiting = [];
  };

  /** Begins or continues a RUNNING execution at the state that its row names. */
  const run = (execution: Execution) => {
    const controller = new AbortController();
    live.set(execution.name, { execution, controller });
    if (execution.lastEvent === 0)
      record(execution, 'ExecutionStarted', {
        executionStartedEventDetails: { ...given('input', execution.input), roleArn: arns.role },
      });
    limitTime(machine, execution, clock, controller);
    void follow(execution, controller);
  };

  const follow = async (execution: Execution, controller: AbortController) => {
    try {
      await new Promise(setImmediate);
      const output = await interpret(machine, positionOf(execution, machine, clock), {
        invoke,
        clock,
        pauseScale,
        signal: controller.signal,
        context: contextOf(execution, arns),
        record(type, details) {
          if (execution.lastEvent >= longestHistory - 1)
            throw new StateError(
              'States.Runtime',
              `The execution reached the maximum number of history events (${longestHistory}).`,
            );
          record(execution, type, details);
        },
        save: (position) => store.save(Object.assign(execution, savedPosition(position))),
      });
      close(execution, 'SUCCEEDED', 'ExecutionSucceeded', { output });
    } catch (error) {
      if (error instanceof Halted) return;
      if (error instanceof ExecutionTimedOut)
        return close(execution, 'TIMED_OUT', 'ExecutionTimedOut', { error: 'States.Timeout' });
      const failed = error instanceof StateError ? error : new StateError('States.Runtime', String(error));
      log(`step functions: execution ${execution.name} failed in ${execution.state}: ${failed.message.slice(0, 300)}`);
      close(execution, 'FAILED', 'ExecutionFailed', { error: failed.error, cause: failed.causeText });
    } finally {
      controller.abort(new Halted());
    }
  };

  return {
    run,
    /** Ends a running execution at once; returns false when it is not running. */
    abort(name: string, error: string | null, cause: string | null): boolean {
      const found = live.get(name);
      if (!found) return false;
      found.controller.abort(new Halted());
      close(found.execution, 'ABORTED', 'ExecutionAborted', { error, cause });
      return true;
    },
    /** Runs a closed execution again from the state where it ended. */
    redrive(execution: Execution) {
      const reopened = {
        status: 'RUNNING' as const,
        output: null,
        error: null,
        cause: null,
        stoppedAt: null,
        attempts: '[]',
      };
      const now = clock.now();
      Object.assign(execution, reopened, { redriveCount: execution.redriveCount + 1, redrivenAt: now, enteredAt: now });
      record(execution, 'ExecutionRedriven', {
        executionRedrivenEventDetails: { redriveCount: execution.redriveCount },
      });
      run(execution);
    },
    /** Lets go of every execution; they stay RUNNING in the store. */
    halt() {
      for (const { controller } of live.values()) controller.abort(new Halted());
      live.clear();
      for (const resolve of waiting) resolve();
    },
    idle: () => (live.size ? new Promise<void>((resolve) => waiting.push(resolve)) : Promise.resolve()),
  };
}

function limitTime(machine: Machine, execution: Execution, clock: Clock, controller: AbortController) {
  if (machine.TimeoutSeconds === undefined) return;
  const end = (execution.redrivenAt ?? execution.startedAt) + machine.TimeoutSeconds * 1000;
  pause(end - clock.now(), controller.signal).then(
    () => controller.abort(new ExecutionTimedOut()),
    () => {},
  );
}

function positionOf(execution: Execution, machine: Machine, clock: Clock): Position {
  const { state, stateInput, enteredAt } = execution;
  if (state === null || stateInput === null || enteredAt === null)
    return { state: machine.StartAt, input: execution.input, enteredAt: clock.now(), attempts: [], isNew: true };
  return { state, input: stateInput, enteredAt, attempts: JSON.parse(execution.attempts), isNew: false };
}

const savedPosition = ({ state, input, enteredAt, attempts }: Position) => ({
  state,
  stateInput: input,
  enteredAt,
  attempts: JSON.stringify(attempts),
});

const contextOf = ({ name, input, startedAt, redriveCount, redrivenAt }: Execution, arns: Arns) => ({
  Execution: {
    Id: arns.execution(name),
    Input: JSON.parse(input),
    Name: name,
    RoleArn: arns.role,
    StartTime: toTimestamp(startedAt),
    RedriveCount: redriveCount,
    ...(redrivenAt !== null && { RedriveTime: toTimestamp(redrivenAt) }),
  },
  StateMachine: { Id: arns.machine, Name: arns.machineName },
});
