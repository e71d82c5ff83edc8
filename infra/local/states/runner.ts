import { toTimestamp } from '../../../lib/kernel/clock.ts';
import type { TimerClock } from '../clock.ts';
import { dueAt, executionOf, newToken, type OpenTask, type Outcome } from './callbacks.ts';
import { recordTask } from './calls.ts';
import { type Machine, waitsForCallback } from './definition.ts';
import { ApiError, ExecutionTimedOut, Halted, StateError } from './errors.ts';
import { errorDetails, given, type Position } from './host.ts';
import { interpret } from './interpret.ts';
import { reach } from './pauses.ts';
import type { Execution, Status, Store } from './store.ts';

export type Runner = ReturnType<typeof createRunner>;

export type RunnerOptions = {
  machine: Machine;
  arns: Arns;
  invoke: (resource: string, payload: unknown) => Promise<unknown>;
  store: Store;
  clock: TimerClock;
  pauseScale: number;
  log: (line: string) => void;
};

export type Arns = {
  machine: string;
  machineName: string;
  role: string;
  region: string;
  execution(name: string): string;
};

type Live = {
  execution: Execution;
  controller: AbortController;
  /** When the time of the whole execution is over. */
  deadline: number;
  /** Lets the interpreter know that the open task has an outcome. */
  answered: () => void;
};

const longestHistory = 25_000;

/** Runs executions side by side and writes what happens to the store. */
export function createRunner({ machine, arns, invoke, store, clock, pauseScale, log }: RunnerOptions) {
  const live = new Map<string, Live>();
  let waiting: (() => void)[] = [];

  /** Whether nothing happens before a callback comes or the clock goes on. */
  const awaitsCallback = ({ execution: { task }, deadline }: Live) =>
    task?.submitted && task.outcome === null && clock.now() < Math.min(dueAt(task), deadline);

  const tellIfIdle = () => {
    if (!waiting.length || !isIdle()) return;
    for (const resolve of waiting) resolve();
    waiting = [];
  };
  const isIdle = () => {
    for (const each of live.values()) if (!awaitsCallback(each)) return false;
    return true;
  };

  const record = (execution: Execution, type: string, details: Record<string, unknown> = {}) => {
    const id = ++execution.lastEvent;
    const previousEventId = id > 2 ? id - 1 : 0;
    store.append(execution.name, id, { timestamp: clock.now() / 1000, type, id, previousEventId, ...details });
    store.save(execution);
  };

  /** Writes at once what can be written; the store itself tries again with the rest. */
  const keep = () => {
    try {
      store.flush();
    } catch {}
  };

  const close = (execution: Execution, status: Status, type: string, ending: Partial<Execution>) => {
    Object.assign(execution, ending, { status, stoppedAt: clock.now(), task: null });
    const { output, error, cause } = execution;
    const details = status === 'SUCCEEDED' ? given('output', output!) : errorDetails({ error, cause });
    record(execution, type, { [`${type[0]!.toLowerCase()}${type.slice(1)}EventDetails`]: details });
    live.delete(execution.name);
    tellIfIdle();
  };

  /** Begins or continues a RUNNING execution at the state that its row names. */
  const run = (execution: Execution) => {
    const controller = new AbortController();
    const deadline = (execution.redrivenAt ?? execution.startedAt) + (machine.TimeoutSeconds ?? Infinity) * 1000;
    const entry: Live = { execution, controller, deadline, answered: () => {} };
    live.set(execution.name, entry);
    if (execution.lastEvent === 0)
      record(execution, 'ExecutionStarted', {
        executionStartedEventDetails: { ...given('input', execution.input), roleArn: arns.role },
      });
    reach(deadline, clock, controller.signal).then(
      () => controller.abort(new ExecutionTimedOut()),
      () => {},
    );
    void follow(entry);
  };

  const follow = async (entry: Live) => {
    const { execution, controller } = entry;
    try {
      await new Promise(setImmediate);
      const output = await interpret(machine, positionOf(execution, machine, clock), {
        invoke,
        clock,
        pauseScale,
        signal: controller.signal,
        context: contextOf(execution, arns),
        region: arns.region,
        newToken: () => newToken(execution.name),
        answered: () => new Promise((resolve) => (entry.answered = resolve)),
        record(type, details) {
          if (execution.lastEvent >= longestHistory - 1)
            throw new StateError(
              'States.Runtime',
              `The execution reached the maximum number of history events (${longestHistory}).`,
            );
          record(execution, type, details);
        },
        save(position) {
          store.save(Object.assign(execution, savedPosition(position)));
          if (position.task) keep(); // Before its function can give the token to anyone.
          tellIfIdle();
        },
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

  const openTask = (token: string): Live & { task: OpenTask } => {
    const name = executionOf(token);
    if (name === undefined) throw new ApiError('InvalidToken', "Invalid Token: 'Invalid token'");
    const found = live.get(name);
    const task = found?.execution.task;
    if (found && task?.token === token && task.outcome === null && clock.now() < dueAt(task)) return { ...found, task };
    if (!found && !store.find(name))
      throw new ApiError('TaskDoesNotExist', "Task Does Not Exist: 'Provided task does not exist'");
    throw new ApiError('TaskTimedOut', "Task Timed Out: 'Provided task does not exist anymore'");
  };

  return {
    run,
    /** Ends the task that waits with a token; kept when it returns. Throws ApiError as AWS answers it. */
    answer(token: string, outcome: Outcome) {
      const { execution, task, answered } = openTask(token);
      task.outcome = outcome;
      const host = { record: (type: string, details = {}) => record(execution, type, details) };
      if ('output' in outcome)
        recordTask('TaskSucceeded', 'invoke.waitForTaskToken', given('output', outcome.output), host);
      else recordTask('TaskFailed', 'invoke.waitForTaskToken', errorDetails(outcome), host);
      answered();
      store.flush();
    },
    /** Starts the heartbeat of the task that waits with a token anew. Throws ApiError as AWS answers it. */
    heartbeat(token: string) {
      const { execution, task } = openTask(token);
      task.heartbeatAt = clock.now();
      store.save(execution);
      store.flush();
    },
    /** Ends a running execution at once; returns when it stopped (ms), null when it was not running. */
    abort(name: string, error: string | null, cause: string | null): number | null {
      const found = live.get(name);
      if (!found) return null;
      found.controller.abort(new Halted());
      close(found.execution, 'ABORTED', 'ExecutionAborted', { error, cause });
      return found.execution.stoppedAt;
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
    idle: () => (isIdle() ? Promise.resolve() : new Promise<void>((resolve) => waiting.push(resolve))),
  };
}

function positionOf(execution: Execution, machine: Machine, clock: TimerClock): Position {
  const { state, stateInput, enteredAt } = execution;
  if (state === null || stateInput === null || enteredAt === null)
    return {
      state: machine.StartAt,
      input: execution.input,
      enteredAt: clock.now(),
      attempts: [],
      task: null,
      isNew: true,
    };
  const definition = machine.States[state];
  if (!definition || !waitsForCallback(definition)) execution.task = null;
  const { task } = execution;
  return { state, input: stateInput, enteredAt, attempts: JSON.parse(execution.attempts), task, isNew: false };
}

const savedPosition = ({ state, input, enteredAt, attempts, task }: Position) => ({
  state,
  stateInput: input,
  enteredAt,
  attempts: JSON.stringify(attempts),
  task,
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
