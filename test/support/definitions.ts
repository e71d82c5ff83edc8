import { readFileSync } from 'node:fs';
import { type StateMachineName, stateMachines, stateMachineVariables } from '../../lib/contract/deploy/route.ts';

export type Rule = {
  ErrorEquals: string[];
  MaxAttempts?: number;
  JitterStrategy?: string;
  ResultPath?: string;
  Next?: string;
};
export type State = {
  Type: string;
  Resource?: string;
  Parameters?: { FunctionName?: string };
  Next?: string;
  End?: boolean;
  Default?: string;
  Choices?: { Next: string }[];
  ResultPath?: string;
  TimeoutSeconds?: number;
  TimeoutSecondsPath?: string;
  Retry?: Rule[];
  Catch?: Rule[];
};
export type Definition = { StartAt: string; TimeoutSeconds?: number; States: Record<string, State> };

/** The state machines' definitions, exactly as they are deployed. */
export const definitions = Object.fromEntries(
  stateMachines.map((name) => [
    name,
    JSON.parse(readFileSync(new URL(`../../infra/saga/${name}.asl.json`, import.meta.url), 'utf8')) as Definition,
  ]),
) as Readonly<Record<StateMachineName, Definition>>;

/** The step that a task runs: the name in its placeholder. */
export const stepOf = ({ Resource, Parameters }: State): string | undefined =>
  /^\$\{(\w+)\}$/.exec(Parameters?.FunctionName ?? Resource ?? '')?.[1];

export const stateMachineArnOf = (name: StateMachineName): string =>
  `arn:aws:states:eu-west-1:000000000000:stateMachine:${name}`;

/** The environment variables by which handlers find the state machines. */
export const machineVariables = Object.fromEntries(
  stateMachines.map((name) => [stateMachineVariables[name], stateMachineArnOf(name)]),
);

/**
 * All state machines for the local Step Functions, in memory. A task's resource is the name of its step, so `invoke` is
 * called with that.
 */
export const localMachines = (edit: (definition: Definition, name: StateMachineName) => object = (same) => same) =>
  stateMachines.map((name) => ({
    stateMachineArn: stateMachineArnOf(name),
    definition: edit(JSON.parse(JSON.stringify(definitions[name]).replace(/\$\{(\w+)\}/g, '$1')), name),
    file: ':memory:',
  }));
