import { GetExecutionHistoryCommand } from '@aws-sdk/client-sfn';
import type { StateMachineName } from '../../lib/contract/deploy/route.ts';
import { definitions, type State, stepOf } from '../support/definitions.ts';
import type { World } from './world.ts';

const states = Object.entries(definitions).flatMap(([machine, { States }]) =>
  Object.entries(States).map(([name, state]) => ({ machine, name, state })),
);

/** The steps that the definitions' tasks run. */
export const placeholders = [...new Set(states.flatMap(({ state }) => stepOf(state) ?? []))];

/** After how many seconds a state machine has given a step up for certain. */
export function secondsUntilGivenUp(step: string): number {
  const limits = states
    .filter(({ state }) => stepOf(state) === step)
    // A state that reads its time-out from a path waits as long as stock is reserved.
    .map(({ state: { TimeoutSeconds = 900 } }) => TimeoutSeconds);
  return Math.max(...limits) + 1;
}

/** Where a state may lead; a task that ends its execution leads to the end. */
const nextOf = ({ Next, End, Default, Choices = [], Catch = [] }: State): string[] =>
  [Next, End && theEnd, Default, ...Choices.map((each) => each.Next), ...Catch.map((each) => each.Next)].filter(
    (to) => typeof to === 'string',
  );

const theEnd = '(end)';

/** Every transition of every state machine, as `machine: A → B`. */
export const transitions = [
  ...new Set(states.flatMap(({ machine, name, state }) => nextOf(state).map((to) => `${machine}: ${name} → ${to}`))),
];

/** The transitions that the executions of an order and of its refunds made. */
export async function travelled({ saga, executions }: World, orderId: string): Promise<string[]> {
  const found: string[] = [];
  for (const { machine, executionArn } of await executions(orderId)) {
    const { events = [] } = await saga.sfn.send(new GetExecutionHistoryCommand({ executionArn, maxResults: 1000 }));
    const names = events.flatMap(({ stateEnteredEventDetails }) => stateEnteredEventDetails?.name ?? []);
    if (events.at(-1)?.type === 'ExecutionSucceeded' && endsAsTask(machine, names.at(-1))) names.push(theEnd);
    found.push(...names.slice(1).map((name, i) => `${machine}: ${names[i]} → ${name}`));
  }
  return found;
}

const endsAsTask = (machine: StateMachineName, state: string | undefined): boolean =>
  state !== undefined && definitions[machine].States[state]?.End === true;
