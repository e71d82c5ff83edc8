import { toTimestamp } from '../../../lib/kernel/clock.ts';
import type { TimerClock } from '../clock.ts';
import { dueAt, newToken, type OpenTask, ownerOf } from './callbacks.ts';
import { recordTask } from './calls.ts';
import { type Machine, waitsForCallback } from './definition.ts';
import { ApiError, ExecutionTimedOut, Halted, StateError } from './errors.ts';
import { errorDetails, given, type Host, type Position } from './host.ts';
import { interpret } from './interpret.ts';
import { reach } from './pauses.ts';
import type { Execution, Status, Store } from './store.ts';

export type RunnerOptions = {
  machine: Machine;
  arns: Arns;
  invoke: (resource: string, payload: unknown) => Promise<unknown>;
  store: Store;
  clock: TimerClock;
  pauseScale: number;
  log: (line: string) => void;
  /** An execution has begun or ended. */
  onChange: () => void;
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
  /** Tells the interpreter that the callback of the open task has come. */
  answered: () => void;
};

const longestHistory = 25_000;

/** One for all, since an error records a stack trace. */
const halted = new Halted();

/** Runs executions side by side and writes what happens to the store. */
export class Runner {
  readonly #options: RunnerOptions;
  readonly #live = new Map<string, Live>();
  #waiting: (() => void)[] = [];

  constructor(options: RunnerOptions) {
    this.#options = options;
  }

  /** Starts or continues a RUNNING execution at the state that its row names. */
  run(execution: Execution): void {
    const { machine, arns, clock } = this.#options;
    const controller = new AbortController();
    const deadline = execution.startedAt + (machine.TimeoutSeconds ?? Infinity) * 1000;
    const live: Live = { execution, controller, deadline, answered: () => {} };
    this.#live.set(execution.name, live);
    if (execution.lastEvent === 0) {
      this.#record(execution, 'ExecutionStarted', {
        executionStartedEventDetails: { ...given('input', execution.input), roleArn: arns.role },
      });
      this.#options.onChange();
    }
    reach(deadline, clock, controller.signal).then(
      () => controller.abort(new ExecutionTimedOut()),
      () => {},
    );
    void this.#follow(live);
  }

  /** Ends the task that waits with a token. `output` is on disk when it returns. Throws ApiError as AWS answers it. */
  succeed(token: string, output: string): void {
    const { execution, task, answered } = this.#openTask(token);
    task.output = output;
    const host = { record: (type: string, details = {}) => this.#record(execution, type, details) };
    recordTask('TaskSucceeded', 'invoke.waitForTaskToken', given('output', output), host);
    answered();
    this.#options.store.flush();
  }

  /** Ends a running execution at once. Returns when it stopped (ms), null when it was not running. */
  abort(name: string, error: string | null, cause: string | null): number | null {
    const live = this.#live.get(name);
    if (!live) return null;
    live.controller.abort(halted);
    this.#close(live.execution, 'ABORTED', 'ExecutionAborted', { error, cause });
    return live.execution.stoppedAt;
  }

  /** Stops following every execution; they stay RUNNING in the store. */
  halt(): void {
    for (const { controller } of this.#live.values()) controller.abort(halted);
    this.#live.clear();
    this.#resolveWaiting();
  }

  /** Resolves when every running execution waits for a callback that is not due yet, or none runs. */
  async idle(): Promise<void> {
    if (!this.isIdle()) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** Whether `idle` resolves at once. */
  isIdle(): boolean {
    return [...this.#live.values()].every((live) => this.#awaitsCallback(live));
  }

  async #follow(live: Live): Promise<void> {
    const { machine, clock, log } = this.#options;
    const { execution, controller } = live;
    try {
      await new Promise(setImmediate);
      const output = await interpret(machine, positionOf(execution, machine, clock), this.#hostOf(live));
      this.#close(execution, 'SUCCEEDED', 'ExecutionSucceeded', { output });
    } catch (error) {
      if (error instanceof Halted) return;
      if (error instanceof ExecutionTimedOut)
        return this.#close(execution, 'TIMED_OUT', 'ExecutionTimedOut', { error: 'States.Timeout' });
      const failed = error instanceof StateError ? error : new StateError('States.Runtime', String(error));
      log(`step functions: execution ${execution.name} failed in ${execution.state}: ${failed.message.slice(0, 300)}`);
      this.#close(execution, 'FAILED', 'ExecutionFailed', { error: failed.error, cause: failed.causeText });
    } finally {
      controller.abort(halted);
    }
  }

  #hostOf(live: Live): Host {
    const { invoke, clock, pauseScale, arns, store } = this.#options;
    const { execution, controller } = live;
    return {
      invoke,
      clock,
      pauseScale,
      signal: controller.signal,
      context: contextOf(execution, arns),
      region: arns.region,
      newToken: () => newToken(arns.machineName, execution.name),
      answered: () => new Promise((resolve) => (live.answered = resolve)),
      record: (type, details) => {
        if (execution.lastEvent >= longestHistory - 1)
          throw new StateError(
            'States.Runtime',
            `The execution reached the maximum number of history events (${longestHistory}).`,
          );
        this.#record(execution, type, details);
      },
      save: (position) => {
        store.save(Object.assign(execution, savedPosition(position)));
        if (position.task) this.#flush(); // Before its function can give the token to anyone.
        this.#resolveIfIdle();
      },
    };
  }

  #record(execution: Execution, type: string, details: Record<string, unknown> = {}): void {
    const { store, clock } = this.#options;
    const id = ++execution.lastEvent;
    const previousEventId = id > 2 ? id - 1 : 0;
    store.append(execution.name, id, { timestamp: clock.now() / 1000, type, id, previousEventId, ...details });
    store.save(execution);
  }

  #close(execution: Execution, status: Status, type: string, ending: Partial<Execution>): void {
    Object.assign(execution, ending, { status, stoppedAt: this.#options.clock.now(), task: null });
    const { output, error, cause } = execution;
    const details = status === 'SUCCEEDED' ? given('output', output!) : errorDetails({ error, cause });
    this.#record(execution, type, { [`${type[0]!.toLowerCase()}${type.slice(1)}EventDetails`]: details });
    this.#live.delete(execution.name);
    this.#options.onChange();
    this.#resolveIfIdle();
  }

  /** Writes what can be written now. The store itself tries again with the rest. */
  #flush(): void {
    try {
      this.#options.store.flush();
    } catch {}
  }

  #openTask(token: string): Live & { task: OpenTask } {
    const name = ownerOf(token)?.execution;
    if (name === undefined) throw new ApiError('InvalidToken', "Invalid Token: 'Invalid token'");
    const live = this.#live.get(name);
    const task = live?.execution.task;
    if (live && task?.token === token && task.output === null && this.#options.clock.now() < dueAt(task))
      return { ...live, task };
    if (!live && !this.#options.store.find(name))
      throw new ApiError('TaskDoesNotExist', "Task Does Not Exist: 'Provided task does not exist'");
    throw new ApiError('TaskTimedOut', "Task Timed Out: 'Provided task does not exist anymore'");
  }

  /** Whether nothing happens before a callback comes or the clock moves on. */
  #awaitsCallback({ execution: { task }, deadline }: Live): boolean {
    return (
      task?.submitted === true && task.output === null && this.#options.clock.now() < Math.min(dueAt(task), deadline)
    );
  }

  #resolveIfIdle(): void {
    if (this.#waiting.length && this.isIdle()) this.#resolveWaiting();
  }

  #resolveWaiting(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
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

const contextOf = ({ name, input, startedAt }: Execution, arns: Arns) => ({
  Execution: {
    Id: arns.execution(name),
    Input: JSON.parse(input),
    Name: name,
    RoleArn: arns.role,
    StartTime: toTimestamp(startedAt),
    RedriveCount: 0,
  },
  StateMachine: { Id: arns.machine, Name: arns.machineName },
});
