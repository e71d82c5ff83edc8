import { randomUUID } from 'node:crypto';
import type { Clock } from '../../../lib/kernel/clock.ts';
import { ApiError } from './errors.ts';
import {
  checkLength,
  invalid,
  invalidToken,
  type Operations,
  optional,
  pageSize,
  type Request,
  readToken,
  required,
  writeToken,
} from './requests.ts';
import type { Arns, Runner } from './runner.ts';
import type { Execution, Status, Store } from './store.ts';

/** The service that the operations work on. */
export type Service = {
  store: Store;
  runner: Runner;
  arns: Arns;
  clock: Clock;
  definition: object;
  /** When the service was started, in milliseconds since the epoch. */
  createdAt: number;
};

const day = 86_400_000;
const keptDays = 90;
const purgeEvery = 60_000;
const largestPayload = 262_144;
const statuses = ['RUNNING', 'SUCCEEDED', 'FAILED', 'TIMED_OUT', 'ABORTED', 'PENDING_REDRIVE'];

const operations: Record<string, (service: Service, request: Request) => object> = {
  StartExecution: startExecution,
  DescribeExecution: describeExecution,
  GetExecutionHistory: getExecutionHistory,
  ListExecutions: listExecutions,
  StopExecution: stopExecution,
  SendTaskSuccess: sendTaskSuccess,
  DescribeStateMachine: describeStateMachine,
  ListStateMachines: listStateMachines,
};

/**
 * The API of Step Functions for one Standard state machine: the part that this project uses. The result runs one
 * operation by its name. It throws ApiError as AWS answers it, and UnknownOperationException for every other operation.
 * https://docs.aws.amazon.com/step-functions/latest/apireference/
 */
export function createOperations(options: Omit<Service, 'createdAt'>): Operations {
  const service = { ...options, createdAt: options.clock.now() };
  let purgedAt = 0;
  const purge = () => {
    const now = service.clock.now();
    if (Math.abs(now - purgedAt) < purgeEvery) return;
    service.store.purge(now - keptDays * day);
    purgedAt = now;
  };
  return (name, request) => {
    const operation = Object.hasOwn(operations, name) ? operations[name] : undefined;
    if (!operation) {
      const supported = Object.keys(operations).join(', ');
      throw new ApiError('UnknownOperationException', `The local Step Functions supports ${supported}, not ${name}.`);
    }
    purge();
    return operation(service, request);
  };
}

function startExecution(service: Service, request: Request) {
  const { store, runner, arns, clock } = service;
  checkMachine(service, request);
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
}

function describeExecution(service: Service, request: Request) {
  const execution = findExecution(service, request);
  const { input, output, error, cause } = execution;
  return {
    ...summary(execution, service.arns),
    input,
    inputDetails: { included: true },
    ...(output !== null && { output, outputDetails: { included: true } }),
    ...(error !== null && { error }),
    ...(cause !== null && { cause }),
  };
}

function getExecutionHistory(service: Service, request: Request) {
  const { name } = findExecution(service, request);
  const backwards = request.reverseOrder === true;
  const limit = pageSize(request);
  const token = readToken(request);
  const after = token === undefined ? (backwards ? Number.MAX_SAFE_INTEGER : 0) : Number(token[0]);
  if (!Number.isSafeInteger(after)) throw invalidToken(request);
  const rows = service.store.history(name, after, backwards, limit + 1);
  const page = rows.slice(0, limit);
  const more = rows.length > limit && { nextToken: writeToken([page.at(-1)!.id]) };
  const events = page.map(({ body }) => (request.includeExecutionData === false ? withoutData(body) : body));
  return { events, ...more };
}

function listExecutions(service: Service, request: Request) {
  checkMachine(service, request);
  const status = optional(request, 'statusFilter') ?? null;
  if (status !== null && !statuses.includes(status))
    throw invalid(`statusFilter must be one of ${statuses.join(', ')}`);
  const limit = pageSize(request);
  const [startedAt, name] = readToken(request) ?? [Number.MAX_SAFE_INTEGER, ''];
  if (typeof startedAt !== 'number' || typeof name !== 'string') throw invalidToken(request);
  const rows = service.store.list(status as Status | null, [startedAt, name], limit + 1);
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  const more = rows.length > limit && last && { nextToken: writeToken([last.startedAt, last.name]) };
  return { executions: page.map((execution) => summary(execution, service.arns)), ...more };
}

function stopExecution(service: Service, request: Request) {
  const { name, stoppedAt } = findExecution(service, request);
  const [error, cause] = [optional(request, 'error') ?? null, optional(request, 'cause') ?? null];
  const stopped = service.runner.abort(name, error, cause);
  return { stopDate: (stopped ?? stoppedAt!) / 1000 };
}

function sendTaskSuccess({ runner }: Service, request: Request) {
  const token = required(request, 'taskToken');
  checkLength('taskToken', token, 2048);
  const output = required(request, 'output');
  checkOutput(output);
  runner.succeed(token, output);
  return {};
}

function describeStateMachine(service: Service, request: Request) {
  checkMachine(service, request);
  const { arns, definition } = service;
  return { ...machine(service), status: 'ACTIVE', definition: JSON.stringify(definition), roleArn: arns.role };
}

function listStateMachines(service: Service) {
  return { stateMachines: [machine(service)] };
}

const machine = ({ arns, createdAt }: Service) => ({
  stateMachineArn: arns.machine,
  name: arns.machineName,
  type: 'STANDARD',
  creationDate: createdAt / 1000,
});

function findExecution({ arns, store }: Service, request: Request): Execution {
  const arn = required(request, 'executionArn');
  if (!/^arn:[^:]*:states:[^:]*:[^:]*:execution:[^:]+:[^:]+$/.test(arn))
    throw new ApiError('InvalidArn', `Invalid Arn: '${arn}'`);
  const name = arn.slice(arn.lastIndexOf(':') + 1);
  const execution = arn === arns.execution(name) ? store.find(name) : undefined;
  if (!execution) throw new ApiError('ExecutionDoesNotExist', `Execution Does Not Exist: '${arn}'`);
  return execution;
}

function checkMachine({ arns }: Service, request: Request): void {
  const arn = required(request, 'stateMachineArn');
  if (!/^arn:[^:]*:states:[^:]*:[^:]*:stateMachine:./.test(arn))
    throw new ApiError('InvalidArn', `Invalid Arn: '${arn}'`);
  if (arn !== arns.machine) throw new ApiError('StateMachineDoesNotExist', `State Machine Does Not Exist: '${arn}'`);
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
  lastEvent: 0,
});

const summary = ({ name, status, startedAt, stoppedAt }: Execution, arns: Arns) => ({
  executionArn: arns.execution(name),
  stateMachineArn: arns.machine,
  name,
  status,
  startDate: startedAt / 1000,
  ...(stoppedAt !== null && { stopDate: stoppedAt / 1000 }),
});

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
