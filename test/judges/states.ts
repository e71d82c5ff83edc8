import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { isDeepStrictEqual } from 'node:util';
import {
  DescribeExecutionCommand,
  GetExecutionHistoryCommand,
  SendTaskSuccessCommand,
  SFNClient,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn';
import { StateError } from '../../infra/local/states/errors.ts';
import { startStates } from '../../infra/local/states/start.ts';
import { definitions, localMachines, stateMachineArnOf } from '../support/definitions.ts';
import { type Case, sagaCases } from './saga-cases.ts';

type Run = {
  status: string;
  output?: string;
  error?: string;
  cause?: string;
  /** Steps with what they were called with, without the token. */
  calls: [string, unknown][];
  /** The states, in order. */
  entered: string[];
};

/** A script that calls more steps than this goes round for ever. */
const mostCalls = 60;

/**
 * Runs the state machines as deployed in two interpreters, ours and moto's, with each step failing in each way and any two of
 * them together, and compares how they end, which states they enter and what their steps are called with.
 * @param python a Python with moto
 * @returns sentences about what differs, and how many executions were compared
 * @throws Error when the judge sees no difference between definitions that differ
 */
export async function judgeStates(python: string): Promise<{ differences: string[]; compared: number }> {
  const ours = await runOurs(sagaCases());
  const some = ours.filter(([{ name }]) => name.startsWith('refunding'));
  if ((await compare(python, some, impatient)).length === 0) throw new Error('moto does not count attempts');
  return { differences: await compare(python, ours), compared: ours.length };
}

/** With one attempt less. */
const impatient = (definition: string): string => definition.replaceAll('"MaxAttempts":8', '"MaxAttempts":7');

async function compare(
  python: string,
  ours: [Case, Run][],
  edit: (definition: string) => string = (same) => same,
): Promise<string[]> {
  const cases = ours.map(([one]) => one);
  const theirs = await runTheirs(python, cases, edit);
  return ours.flatMap(([{ name }, run], index) => {
    const [one, other] = [comparable(run), comparable(theirs[index]!)];
    const parts = Object.keys(one).filter((key) => !isDeepStrictEqual(one[key], other[key]));
    return parts.map((part) => `${name}: ${part}\n  ours   ${show(one[part])}\n  moto's ${show(other[part])}`);
  });
}

const show = (value: unknown): string => JSON.stringify(value) ?? 'none';

/** The wording of what the interpreter itself finds wrong is its own. */
function comparable({ status, output, error, cause, calls, entered }: Run): Record<string, unknown> {
  const ownWords = error?.startsWith('States.') ?? false;
  return {
    status,
    output: output === undefined ? undefined : JSON.parse(output),
    error,
    cause: ownWords ? undefined : cause,
    calls,
    entered,
  };
}

/**
 * The cases that end, in which every step that was to do something else was called. Left out is what ends with States.Runtime:
 * moto lets States.ALL catch it, and AWS does not (concepts-error-handling in its manual).
 */
async function runOurs(cases: Case[]): Promise<[Case, Run][]> {
  let [script, calls]: [Case['script'], Run['calls']] = [{}, []];
  const states = await startStates({ machines: localMachines(), invoke, waitScale: 0 });
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  const client = new SFNClient({ endpoint: states.endpoint, region: 'eu-west-1', credentials });
  const ran: [Case, Run][] = [];
  try {
    for (const [number, one] of cases.entries()) {
      script = structuredClone(one.script);
      calls = [];
      const run = await execute(client, one, `case-${number}`, () => calls);
      const known = (step: string) => calls.some(([called]) => called === step);
      if (calls.length >= mostCalls || run.error === 'States.Runtime') continue;
      if (changed(one).every(known)) ran.push([one, run]);
    }
  } finally {
    client.destroy();
    await states.stop();
  }
  return ran;

  async function invoke(step: string, payload: unknown): Promise<unknown> {
    const { taskToken, ...rest } = payload as { taskToken?: string };
    calls.push([step, rest]);
    if (calls.length >= mostCalls) throw new StateError('TooManyCalls', null);
    const outcomes = script[step]!;
    const outcome = outcomes.length > 1 ? outcomes.shift()! : outcomes[0]!;
    if ('error' in outcome) throw new StateError(outcome.error, causeOf(outcome.error));
    if (taskToken !== undefined && outcome.callBack !== undefined)
      void client.send(new SendTaskSuccessCommand({ taskToken, output: '{}' }));
    return outcome.result;
  }
}

const changed = ({ name }: Case): string[] =>
  name.split(' ').flatMap((word) => (word.endsWith(':') ? [word.slice(0, -1)] : []));

const causeOf = (errorType: string): string => JSON.stringify({ errorType, errorMessage: 'as scripted', trace: [] });

async function execute(client: SFNClient, one: Case, name: string, calls: () => Run['calls']): Promise<Run> {
  const stateMachineArn = stateMachineArnOf(one.machine);
  const { executionArn } = await client.send(
    new StartExecutionCommand({ stateMachineArn, name, input: JSON.stringify(one.input) }),
  );
  for (;;) {
    const execution = await client.send(new DescribeExecutionCommand({ executionArn }));
    if (execution.status === 'RUNNING') continue;
    const { events = [] } = await client.send(new GetExecutionHistoryCommand({ executionArn, maxResults: 1000 }));
    const entered = events.flatMap(({ stateEnteredEventDetails: details }) => (details?.name ? [details.name] : []));
    const { status, output, error, cause } = execution;
    return { status: status!, ...given({ output, error, cause }), calls: calls(), entered };
  }
}

const given = (values: Record<string, string | undefined>) =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Record<string, string>;

async function runTheirs(python: string, cases: Case[], edit: (definition: string) => string): Promise<Run[]> {
  const child = spawn(python, [join(import.meta.dirname, 'states.py')], { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = once(child, 'exit');
  const texts = Object.entries(definitions).map(([name, definition]) => [name, edit(forAws(definition))]);
  child.stdin.end(JSON.stringify({ definitions: Object.fromEntries(texts), cases }));
  const lines = (await text(child.stdout)).trim().split('\n');
  const [code] = await ended;
  if (code !== 0) throw new Error(`moto ended with ${code}`);
  return lines.map((line) => JSON.parse(line) as Run);
}

/** With ARNs of functions in place of the placeholders, as CDK puts them there. */
const forAws = (definition: object): string =>
  JSON.stringify(definition).replace(/\$\{(\w+)\}/g, 'arn:aws:lambda:eu-west-1:123456789012:function:$1');
