import { randomUUID } from 'node:crypto';
import type { Clock } from '../../../lib/kernel/clock.ts';
import { ApiError } from './errors.ts';
import {
  checkLength,
  invalid,
  invalidToken,
  type Operation,
  optional,
  pageSize,
  type Request,
  readToken,
  required,
  writeToken,
} from './requests.ts';
import type { Arns, Runner } from './runner.ts';
import type { Execution, Status, Store } from './store.ts';

type Options = { store: Store; runner: Runner; arns: Arns; clock: Clock; definition: object };

const day = 86_400_000;
const keptDays = 90;
const redrivableDays = 14;
const largestPayload = 262_144;
const statuses = ['RUNNING', 'SUCCEEDED', 'FAILED', 'TIMED_OUT', 'ABORTED', 'PENDING_REDRIVE'];

/**
 * The API of Step Functions for one Standard state machine, operation name → function of the request.
 * Each throws ApiError as AWS answers it. https://docs.aws.amazon.com/step-functions/latest/apireference/
 */
export function createOperations({ store, runner, arns, clock, definition }: Options): Record<string, Operation> {
  const createdAt = clock.now();
  let purgedAt = 0;

  const purge = () => {
    const now = clock.now();
    if (Math.abs(now - purgedAt) < 60_000) return;
    store.purge(now - keptDays * day);
    purgedAt = now;
  };

  const known = (request: Request): Execution => {
    const arn = required(request, 'executionArn');
    if (!/^arn:[^:]*:states:[^:]*:[^:]*:execution:[^:]+:[^:]+$/.test(arn))
      throw new ApiError('InvalidArn', `Invalid Arn: '${arn}'`);
    const name = arn.slice(arn.lastIndexOf(':') + 1);
    const execution = arn === arns.execution(name) ? store.find(name) : undefined;
    if (!execution) throw new ApiError('ExecutionDoesNotExist', `Execution Does Not Exist: '${arn}'`);
    return execution;
  };

  const checkMachine = (request: Request) => {
    const arn = required(request, 'stateMachineArn');
    if (!/^arn:[^:]*:states:[^:]*:[^:]*:stateMachine:./.test(arn))
      throw new ApiError('InvalidArn', `Invalid Arn: '${arn}'`);
    if (arn !== arns.machine) throw new ApiError('StateMachineDoesNotExist', `State Machine Does Not Exist: '${arn}'`);
  };

  const machine = () => ({
    stateMachineArn: arns.machine,
    name: arns.machineName,
    type: 'STANDARD',
    creationDate: createdAt / 1000,
  });

  const described = () => ({
    ...machine(),
    status: 'ACTIVE',
    definition: JSON.stringify(definition),
    roleArn: arns.role,
  });

  const operations: Record<string, Operation> = {
    StartExecution(request) {
      checkMachine(request);
      const name = optional(request, 'name') ?? randomUUID();
      const input = optional(request, 'input') ?? '{}';
      checkName(name);
      checkInput(input);
      const earlier = store.find(name);
      if (earlier && (earlier.status !== 'RUNNING' || earlier.input !== input))
        throw new ApiError('ExecutionAlreadyExists', `Execution Already Exists: '${arns.execution(name)}'`);
      const execution = earlier ?? newExecution(name, input, clock.now());
      if (!earlier) {
        store.insert(execution);
        runner.run(execution);
      }
      return { executionArn: arns.execution(name), startDate: execution.startedAt / 1000 };
    },

    DescribeExecution(request) {
      const execution = known(request);
      const { input, output, error, cause } = execution;
      return {
        ...summary(execution, arns),
        input,
        inputDetails: { included: true },
        ...(output !== null && { output, outputDetails: { included: true } }),
        ...(error !== null && { error }),
        ...(cause !== null && { cause }),
        ...redriveState(execution, clock.now()),
      };
    },

    GetExecutionHistory(request) {
      const { name } = known(request);
      const backwards = request.reverseOrder === true;
      const limit = pageSize(request);
      const token = readToken(request);
      const after = token === undefined ? (backwards ? Number.MAX_SAFE_INTEGER : 0) : Number(token[0]);
      if (!Number.isSafeInteger(after)) throw invalidToken(request);
      const rows = store.history(name, after, backwards, limit + 1);
      const page = rows.slice(0, limit);
      const more = rows.length > limit && { nextToken: writeToken([page.at(-1)!.id]) };
      const events = page.map(({ body }) => (request.includeExecutionData === false ? withoutData(body) : body));
      return { events, ...more };
    },

    ListExecutions(request) {
      checkMachine(request);
      const status = optional(request, 'statusFilter') ?? null;
      if (status !== null && !statuses.includes(status))
        throw invalid(`statusFilter must be one of ${statuses.join(', ')}`);
      const redrive = optional(request, 'redriveFilter');
      const limit = pageSize(request);
      const [startedAt, name] = readToken(request) ?? [Number.MAX_SAFE_INTEGER, ''];
      if (typeof startedAt !== 'number' || typeof name !== 'string') throw invalidToken(request);
      const redriven = redrive === undefined ? null : redrive === 'REDRIVEN';
      const rows = store.list(status as Status | null, redriven, [startedAt, name], limit + 1);
      const page = rows.slice(0, limit);
      const last = page.at(-1);
      const more = rows.length > limit && last && { nextToken: writeToken([last.startedAt, last.name]) };
      return { executions: page.map((execution) => summary(execution, arns)), ...more };
    },

    StopExecution(request) {
      const { name, stoppedAt } = known(request);
      const stopped = runner.abort(name, optional(request, 'error') ?? null, optional(request, 'cause') ?? null);
      return { stopDate: (stopped ?? stoppedAt!) / 1000 };
    },

    RedriveExecution(request) {
      const execution = known(request);
      const { redriveStatus, redriveStatusReason } = redriveState(execution, clock.now());
      if (redriveStatus !== 'REDRIVABLE') throw new ApiError('ExecutionNotRedrivable', redriveStatusReason!);
      runner.redrive(execution);
      store.flush();
      return { redriveDate: execution.redrivenAt! / 1000 };
    },

    SendTaskSuccess(request) {
      const token = taskToken(request);
      const output = required(request, 'output');
      checkOutput(output);
      runner.answer(token, { output });
      return {};
    },

    SendTaskFailure(request) {
      const token = taskToken(request);
      const error = optional(request, 'error') ?? null;
      const cause = optional(request, 'cause') ?? null;
      checkLength('error', error, 256);
      checkLength('cause', cause, 32_768);
      runner.answer(token, { error, cause });
      return {};
    },

    SendTaskHeartbeat(request) {
      runner.heartbeat(taskToken(request));
      return {};
    },

    DescribeStateMachine(request) {
      checkMachine(request);
      return described();
    },

    DescribeStateMachineForExecution(request) {
      known(request);
      const { creationDate, type: _, ...rest } = machine();
      return { ...rest, definition: JSON.stringify(definition), roleArn: arns.role, updateDate: creationDate };
    },

    ListStateMachines: () => ({ stateMachines: [machine()] }),
  };

  return Object.fromEntries(
    Object.entries(operations).map(([name, operation]) => [
      name,
      (request: Request) => {
        purge();
        return operation(request);
      },
    ]),
  );
}

const newExecution = (name: string, input: string, startedAt: number): Execution => ({
  name,
  input,
  startedAt,
  status: 'RUNNING',
  output: null,
  error: null,
  cause: null,
  stoppedAt: null,
  state: null,
  stateInput: null,
  enteredAt: null,
  attempts: '[]',
  task: null,
  redriveCount: 0,
  redrivenAt: null,
  lastEvent: 0,
});

const summary = ({ name, status, startedAt, stoppedAt, redriveCount, redrivenAt }: Execution, arns: Arns) => ({
  executionArn: arns.execution(name),
  stateMachineArn: arns.machine,
  name,
  status,
  startDate: startedAt / 1000,
  ...(stoppedAt !== null && { stopDate: stoppedAt / 1000 }),
  redriveCount,
  ...(redrivenAt !== null && { redriveDate: redrivenAt / 1000 }),
});

function redriveState(
  { status, stoppedAt }: Execution,
  now: number,
): { redriveStatus: string; redriveStatusReason?: string } {
  const refused = (redriveStatusReason: string) => ({ redriveStatus: 'NOT_REDRIVABLE', redriveStatusReason });
  if (status === 'RUNNING') return refused('Execution is RUNNING and cannot be redriven');
  if (status === 'SUCCEEDED') return refused('Execution is SUCCEEDED and cannot be redriven');
  if (now - stoppedAt! > redrivableDays * day)
    return refused(`Execution was closed more than ${redrivableDays} days ago`);
  return { redriveStatus: 'REDRIVABLE' };
}

function taskToken(request: Request): string {
  const token = required(request, 'taskToken');
  checkLength('taskToken', token, 2048);
  return token;
}

function checkName(name: string) {
  const forbidden = /[\s<>{}[\]?*"#%\\^|~`$&,;:/\p{Cc}\ufffe\uffff]/u;
  if (!name || name.length > 80 || forbidden.test(name)) throw new ApiError('InvalidName', `Invalid Name: '${name}'`);
}

function checkInput(input: string) {
  const why = whyNoJson(input);
  if (why !== undefined) throw new ApiError('InvalidExecutionInput', `Invalid State Machine Execution Input: '${why}'`);
}

function checkOutput(output: string) {
  const why = whyNoJson(output);
  if (why !== undefined) throw new ApiError('InvalidOutput', `Invalid Output: '${why}'`);
}

function whyNoJson(text: string): string | undefined {
  if (Buffer.byteLength(text) > largestPayload) return `it is larger than ${largestPayload} bytes`;
  try {
    JSON.parse(text);
  } catch (error) {
    return (error as Error).message;
  }
  return undefined;
}

function withoutData(event: Record<string, unknown>) {
  const trimmed = Object.entries(event).map(([key, value]) => {
    if (typeof value !== 'object' || value === null) return [key, value];
    const { input: _input, output: _output, parameters: _parameters, ...rest } = value as Record<string, unknown>;
    return [key, rest];
  });
  return Object.fromEntries(trimmed);
}
