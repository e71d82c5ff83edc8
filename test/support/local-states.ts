import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  DescribeExecutionCommand,
  GetExecutionHistoryCommand,
  type HistoryEvent,
  SFNClient,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn';
import { afterEach, expect } from 'vitest';
import { type StatesOptions, startStates } from '../../infra/local/states/start.ts';

export const stateMachineArn = 'arn:aws:states:eu-central-1:123456789012:stateMachine:orders';
export const arn = (name: string) => `arn:aws:states:eu-central-1:123456789012:execution:orders:${name}`;

type Handler = (payload: never) => unknown;
type Options = Partial<Omit<StatesOptions, 'invoke' | 'machines'>> & { file?: string };

/** Runs after the test, last first. */
export const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** A running service with handlers by resource name, its client, and shortcuts. */
export async function open(
  definition: object,
  handlers: Record<string, Handler>,
  { file = ':memory:', ...options }: Options = {},
) {
  const calls: string[] = [];
  const invoke = async (resource: string, payload: unknown) => {
    calls.push(resource);
    return await (handlers[resource] as (payload: unknown) => unknown)(payload);
  };
  const machines = [{ stateMachineArn, definition, file }];
  const states = await startStates({ machines, invoke, waitScale: 0, ...options });
  const client = clientOf(states.endpoint);
  cleanups.push(
    () => states.stop(),
    () => client.destroy(),
  );
  const look = (name: string) => client.send(new DescribeExecutionCommand({ executionArn: arn(name) }));
  const start = (name: string, input: unknown) =>
    client.send(new StartExecutionCommand({ stateMachineArn, name, input: JSON.stringify(input) }));
  const settled = async (name: string) => {
    for (;;) {
      const execution = await look(name);
      if (execution.status !== 'RUNNING') return execution;
    }
  };
  return {
    states,
    client,
    calls,
    start,
    settled,
    describe: look,
    async run(name: string, input: unknown) {
      await start(name, input);
      const done = await settled(name);
      expect(done).toMatchObject({ status: 'SUCCEEDED' });
      return JSON.parse(done.output!) as unknown;
    },
    async history(name: string): Promise<HistoryEvent[]> {
      const { events } = await client.send(
        new GetExecutionHistoryCommand({ executionArn: arn(name), maxResults: 1000 }),
      );
      return events!;
    },
  };
}

/** A client of the service at an endpoint, which does not retry. */
export function clientOf(endpoint: string) {
  return new SFNClient({
    endpoint,
    region: 'eu-central-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    maxAttempts: 1,
  });
}

/** A definition of these states that starts at the first. */
export const machine = (States: Record<string, object>) => ({ StartAt: Object.keys(States)[0]!, States });

/** Tasks one after the other, each state named as its resource. */
export function chain(...resources: string[]) {
  const last = resources.length - 1;
  return machine(
    Object.fromEntries(
      resources.map((Resource, index) => [
        Resource,
        { Type: 'Task', Resource, ...(index < last ? { Next: resources[index + 1] } : { End: true }) },
      ]),
    ),
  );
}

/**
 * A Task that gives its input and its token to a function and waits for the callback. It ends the machine by default.
 */
export const awaiting = (FunctionName: string, more: object = { End: true }) => ({
  Type: 'Task',
  Resource: 'arn:aws:states:::lambda:invoke.waitForTaskToken',
  Parameters: { FunctionName, Payload: { 'taskToken.$': '$$.Task.Token', 'state.$': '$' } },
  ...more,
});

/** A handler that reports its input and then never answers. */
export const hanging = () => {
  const reached = Promise.withResolvers<unknown>();
  const handler = (input: unknown) => {
    reached.resolve(input);
    return new Promise(() => {});
  };
  return { handler, reached: reached.promise };
};

/** A path for a database in a folder of its own. */
export const tempFile = () => join(mkdtempSync(join(tmpdir(), 'states-')), 'states.sqlite');
