import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createClock, type TimerClock } from '../clock.ts';
import { forThisMachine } from '../loopback.ts';
import { ownerOf } from './callbacks.ts';
import { readDefinition } from './definition.ts';
import { ApiError } from './errors.ts';
import { createOperations } from './operations.ts';
import type { Operations, Request } from './requests.ts';
import { type Arns, Runner } from './runner.ts';
import { Store } from './store.ts';

export { DefinitionRefused } from './errors.ts';

export type MachineOptions = {
  stateMachineArn: string;
  /** A parsed ASL definition with its placeholders filled in. */
  definition: object;
  /** SQLite file that keeps the executions and their history, or ':memory:'. */
  file: string;
};

export type StatesOptions = {
  machines: readonly MachineOptions[];
  /**
   * Runs the Lambda function that a Task names as its Resource or its FunctionName. Rejects with what the
   * function threw.
   */
  invoke: (resource: string, payload: unknown) => Promise<unknown>;
  /** An execution has begun or ended. */
  onChange?: () => void;
  /** 0 or omitted: any free port. */
  port?: number;
  /** Where other machines of a closed network may call it, in place of this machine alone. It checks no credentials. */
  address?: { host: string; port: number };
  /** The clock of every pause and time-out; the machine's by default. */
  clock?: TimerClock;
  log?: (line: string) => void;
  /** Factor on the pauses of Wait and Retry, never on time-outs: 1 is real time, 0 no pause. */
  waitScale?: number | undefined;
};

export type States = {
  /** For the SDK's `endpoint` or AWS_ENDPOINT_URL_SFN. */
  endpoint: string;
  /** Closes within a second. Running executions stay RUNNING in the file and continue at the next start. */
  stop(): Promise<void>;
  /**
   * Resolves when no execution runs, or every running one waits for a callback that is not due yet. A Wait and the
   * pause before a retry count as running.
   */
  idle(): Promise<void>;
};

const largestBody = 4 * 1024 * 1024;

/**
 * Step Functions (Standard state machines) on 127.0.0.1 for `@aws-sdk/client-sfn`, AWS JSON 1.0.
 * Executions that are RUNNING in a file continue at the state they had entered, so a step may run twice and none is
 * skipped. One that waits for a callback keeps its token and its time-out. Throws DefinitionRefused, or an Error when a
 * file or the port cannot be used.
 */
export async function startStates(options: StatesOptions): Promise<States> {
  const { address, log = () => {} } = options;
  const { host, port } = address ?? { host: '127.0.0.1', port: options.port ?? 0 };
  const machines = openMachines(options);
  const closeStores = () => {
    for (const { store } of machines) store.close();
  };
  const operations = operationsOf(machines);
  const onlyHere = address === undefined ? forThisMachine : (listener: RequestListener) => listener;
  const server = createServer(onlyHere((request, response) => void answer(request, response, operations, log)));
  try {
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, host, resolve));
  } catch (cause) {
    closeStores();
    throw new Error(`Step Functions cannot listen on port ${port}: ${(cause as Error).message}.`, { cause });
  }
  for (const { store, runner } of machines) for (const execution of store.running()) runner.run(execution);
  let stopping: Promise<void> | undefined;
  const stop = async () => {
    for (const { runner } of machines) runner.halt();
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
    closeStores();
  };
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: () => (stopping ??= stop()),
    async idle() {
      // While one machine is waited for, an execution of another may begin.
      while (!machines.every(({ runner }) => runner.isIdle())) {
        await Promise.all(machines.map(({ runner }) => runner.idle()));
      }
    },
  };
}

type OpenMachine = { name: string; store: Store; runner: Runner; operations: Operations };

function openMachines(options: StatesOptions) {
  const { machines, invoke, clock = createClock(), log = () => {}, waitScale = 1, onChange = () => {} } = options;
  const parsed = machines.map(({ stateMachineArn, definition, file }) => ({
    arns: arnsOf(stateMachineArn),
    definition,
    machine: readDefinition(definition),
    file,
  }));
  const opened: OpenMachine[] = [];
  try {
    for (const { arns, definition, machine, file } of parsed) {
      const store = new Store(file, log);
      const runner = new Runner({ machine, arns, invoke, store, clock, pauseScale: waitScale, log, onChange });
      const operations = createOperations({ store, runner, arns, clock, definition });
      opened.push({ name: arns.machineName, store, runner, operations });
    }
  } catch (error) {
    for (const { store } of opened) store.close();
    throw error;
  }
  return opened;
}

/** Runs an operation on the state machine that the request names. A request that names none is refused by any. */
const operationsOf =
  (machines: readonly OpenMachine[]): Operations =>
  (operation, request) => {
    if (operation === 'ListStateMachines') {
      const lists = machines.map(({ operations }) => operations(operation, request) as { stateMachines: object[] });
      return { stateMachines: lists.flatMap(({ stateMachines }) => stateMachines) };
    }
    const name = machineNameIn(request);
    const { operations } = machines.find((machine) => machine.name === name) ?? machines[0]!;
    return operations(operation, request);
  };

function machineNameIn({ stateMachineArn, executionArn, taskToken }: Request): string | undefined {
  if (typeof taskToken === 'string') return ownerOf(taskToken)?.machine;
  return String(stateMachineArn ?? executionArn).split(':')[6];
}

function arnsOf(machine: string): Arns {
  const [, partition, region, account, machineName] =
    /^arn:([^:]+):states:([^:]*):([^:]*):stateMachine:([^:]+)$/.exec(machine) ?? [];
  if (!partition || !machineName) throw new Error(`${machine} is not the ARN of a state machine.`);
  return {
    machine,
    machineName,
    region: region!,
    role: `arn:${partition}:iam::${account}:role/${machineName}`,
    execution: (name) => `arn:${partition}:states:${region}:${account}:execution:${machineName}:${name}`,
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  operations: Operations,
  log: (line: string) => void,
) {
  const send = (status: number, body: object) => {
    response.writeHead(status, {
      'content-type': 'application/x-amz-json-1.0',
      'x-amzn-requestid': crypto.randomUUID(),
    });
    response.end(JSON.stringify(body));
  };
  try {
    const target = String(request.headers['x-amz-target'] ?? '');
    const [, operation] = /^AWSStepFunctions\.(\w+)$/.exec(target) ?? [];
    if (!operation)
      throw new ApiError('UnknownOperationException', `'${target}' is not an operation of Step Functions.`);
    send(200, operations(operation, await readBody(request)));
  } catch (error) {
    if (error instanceof ApiError) return send(error.status, { __type: error.type, message: error.message });
    if (request.destroyed && !request.complete) return;
    log(`step functions: ${(error as Error).stack}`);
    send(500, { __type: 'InternalFailure', message: (error as Error).message });
  }
}

async function readBody(request: IncomingMessage): Promise<Record<string, unknown>> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > largestBody) throw new ApiError('RequestEntityTooLarge', 'The request is too large.', 413);
    chunks.push(chunk);
  }
  try {
    const body: unknown = JSON.parse(Buffer.concat(chunks).toString() || '{}');
    if (typeof body === 'object' && body !== null && !Array.isArray(body)) return body as Record<string, unknown>;
  } catch {}
  throw new ApiError('SerializationException', 'The request body is not a JSON object.');
}
