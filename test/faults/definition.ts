import { readFileSync } from 'node:fs';
import { GetExecutionHistoryCommand } from '@aws-sdk/client-sfn';
import type { World } from './world.ts';

type Target = { Next?: string };
type State = Target & {
  Type: string;
  Resource?: string;
  Parameters?: { FunctionName?: string };
  TimeoutSeconds?: number;
  Default?: string;
  Choices?: Target[];
  Catch?: Target[];
};

const { States } = JSON.parse(readFileSync(new URL('../../infra/saga/order.asl.json', import.meta.url), 'utf8')) as {
  States: Record<string, State>;
};

/** The step that a task runs. */
const stepOf = ({ Resource, Parameters }: State): string | undefined =>
  /^\$\{(\w+)\}$/.exec(Parameters?.FunctionName ?? Resource ?? '')?.[1];

/** The steps that the definition's tasks run. */
export const placeholders = [...new Set(Object.values(States).flatMap((state) => stepOf(state) ?? []))];

/** After how many seconds the state machine has given a step up for certain. */
export function secondsUntilGivenUp(step: string): number {
  const limits = Object.values(States)
    .filter((state) => stepOf(state) === step)
    // One that says its time by a path waits for as long as stock is reserved.
    .map(({ TimeoutSeconds = 900 }) => TimeoutSeconds);
  return Math.max(...limits) + 1;
}

/** Every way from one state to another that the definition knows, as `A → B`. */
export const transitions = [
  ...new Set(
    Object.entries(States).flatMap(([name, { Next, Default, Choices = [], Catch = [] }]) =>
      [Next, Default, ...Choices.map((each) => each.Next), ...Catch.map((each) => each.Next)].flatMap((to) =>
        to === undefined ? [] : `${name} → ${to}`,
      ),
    ),
  ),
];

/** The transitions that the executions of an order went through. */
export async function travelled({ saga, executions }: World, orderId: string): Promise<string[]> {
  const found: string[] = [];
  for (const { executionArn } of await executions(orderId)) {
    const { events } = await saga.sfn.send(new GetExecutionHistoryCommand({ executionArn, maxResults: 1000 }));
    const names = (events ?? []).flatMap(({ stateEnteredEventDetails }) => stateEnteredEventDetails?.name ?? []);
    found.push(...names.slice(1).map((name, i) => `${names[i]} → ${name}`));
  }
  return found;
}
