import { operatorOf, type Rule } from './choice.ts';
import { DefinitionRefused } from './errors.ts';
import { type Json, parseExpression } from './expressions.ts';

export type Retrier = {
  ErrorEquals: string[];
  IntervalSeconds?: number;
  BackoffRate?: number;
  MaxAttempts?: number;
  MaxDelaySeconds?: number;
  JitterStrategy?: 'FULL' | 'NONE';
};
export type Catcher = { ErrorEquals: string[]; Next: string; ResultPath?: string | null };

export type State = {
  Type: 'Task' | 'Pass' | 'Choice' | 'Wait' | 'Succeed' | 'Fail';
  Next?: string;
  End?: true;
  InputPath?: string | null;
  OutputPath?: string | null;
  ResultPath?: string | null;
  Parameters?: Json;
  ResultSelector?: Json;
  Result?: Json;
  Resource?: string;
  TimeoutSeconds?: number;
  TimeoutSecondsPath?: string;
  Retry?: Retrier[];
  Catch?: Catcher[];
  Choices?: Rule[];
  Default?: string;
  Seconds?: number;
  SecondsPath?: string;
  Timestamp?: string;
  TimestampPath?: string;
  Error?: string;
  ErrorPath?: string;
  Cause?: string;
  CausePath?: string;
};

export type Machine = { StartAt: string; States: Record<string, State>; TimeoutSeconds?: number };

/** How a Task calls its function: directly, by `lambda:invoke`, or by `lambda:invoke` with a callback. */
export function integrationOf({ Resource }: State): 'invoke' | 'callback' | undefined {
  const match = /^arn:aws[\w-]*:states:::lambda:invoke(\.waitForTaskToken)?$/.exec(Resource ?? '');
  if (match === null) return undefined;
  return match[1] === undefined ? 'invoke' : 'callback';
}

/** Whether a state ends only with a callback that carries its token. */
export const waitsForCallback = (state: State): boolean => integrationOf(state) === 'callback';

const fields: Record<State['Type'], string> = {
  Task: 'InputPath OutputPath ResultPath Parameters ResultSelector Resource TimeoutSeconds TimeoutSecondsPath Retry Catch Next End',
  Pass: 'InputPath OutputPath ResultPath Parameters Result Next End',
  Choice: 'InputPath OutputPath Choices Default',
  Wait: 'InputPath OutputPath Seconds SecondsPath Timestamp TimestampPath Next End',
  Succeed: 'InputPath OutputPath',
  Fail: 'Error ErrorPath Cause CausePath',
};

/**
 * Checks a parsed ASL definition and returns it typed. It accepts only what the interpreter runs as AWS does: JSONPath,
 * the states Task, Pass, Choice, Wait, Succeed and Fail, and Lambda tasks that are called directly or by
 * `lambda:invoke` with or without a callback. Throws DefinitionRefused with every problem.
 */
export function readDefinition(definition: object): Machine {
  const problems: string[] = [];
  const machine = definition as Machine & { [field: string]: unknown };
  const states = isObject(machine.States) ? machine.States : {};
  checkLanguage('the definition', machine, problems);
  for (const field of Object.keys(machine))
    if (!['Comment', 'StartAt', 'States', 'TimeoutSeconds', 'Version', 'QueryLanguage'].includes(field))
      problems.push(`the definition has ${field}, which is not supported here`);
  if (!Object.hasOwn(states, machine.StartAt)) problems.push(`StartAt names no state (${machine.StartAt})`);
  checkNumbers('the definition', machine, { TimeoutSeconds: 1 }, problems);
  for (const [name, state] of Object.entries(states)) checkState(name, state, states, problems);
  if (!problems.length) {
    const reached = reachable(machine);
    for (const name of Object.keys(states)) if (!reached.has(name)) problems.push(`state "${name}" is never reached`);
  }
  if (problems.length) throw new DefinitionRefused(problems);
  return machine;
}

function checkState(name: string, state: State, states: Record<string, State>, problems: string[]): void {
  const where = `state "${name}"`;
  const say = (problem: string) => problems.push(`${where} ${problem}`);
  if (name.length > 80) say('has a name of more than 80 characters');
  checkLanguage(where, state, problems);
  if (!Object.hasOwn(fields, state.Type)) {
    const distributed = (state as { Type: string }).Type === 'Map' ? ' (nor Distributed Map)' : '';
    say(`is a ${state.Type} state, and only ${Object.keys(fields).join(', ')} are supported here${distributed}`);
    return;
  }
  const allowed = `Type Comment QueryLanguage Assign ${fields[state.Type]}`.split(' ');
  for (const field of Object.keys(state))
    if (!allowed.includes(field)) say(`has ${field}, which is not supported here`);
  if (fields[state.Type].includes('Next') && (state.Next === undefined) === (state.End !== true))
    say('needs either Next or End: true');
  for (const next of successors(state))
    if (!Object.hasOwn(states, next)) say(`continues at "${next}", which does not exist`);
  checkExpressions(state, say);
  if (!waitsForCallback(state) && JSON.stringify({ ...state, Comment: undefined }).includes('$$.Task'))
    say('reads $$.Task, which only a task that waits for a callback (waitForTaskToken) has');
  checkNumbers(where, state, { TimeoutSeconds: 1, Seconds: 0 }, problems);
  if (state.Type === 'Task') checkTask(state, say);
  if (state.Type === 'Choice') {
    if (!state.Choices?.length) say('has no Choices');
    for (const rule of state.Choices ?? []) {
      if (typeof rule.Next !== 'string') say('has a choice without Next');
      checkRule(rule, say);
    }
  }
  if (state.Type === 'Wait') {
    const ways = [state.Seconds, state.SecondsPath, state.Timestamp, state.TimestampPath].filter(
      (way) => way !== undefined,
    );
    if (ways.length !== 1) say('needs exactly one of Seconds, SecondsPath, Timestamp, TimestampPath');
  }
}

function checkLanguage(where: string, holder: object, problems: string[]) {
  const { QueryLanguage: language } = holder as { QueryLanguage?: string };
  if (language !== undefined && language !== 'JSONPath')
    problems.push(`${where} uses ${language}, and only JSONPath is supported here`);
  if ('Assign' in holder) problems.push(`${where} has Assign, and variables are not supported here`);
}

function checkTask(state: State, say: (problem: string) => void) {
  const resource = state.Resource;
  if (typeof resource !== 'string' || !resource) say('needs a Resource');
  else if (integrationOf(state)) checkInvocation(state, say);
  else if (resource.startsWith('arn:aws:states:'))
    say(`calls ${resource}, and only Lambda functions are supported here`);
  else if (resource.includes('${')) say(`still has the placeholder ${resource} as its Resource`);
  if (state.TimeoutSeconds !== undefined && state.TimeoutSecondsPath !== undefined)
    say('has both TimeoutSeconds and TimeoutSecondsPath');
  checkHandlers('Retry', state.Retry, say);
  checkHandlers('Catch', state.Catch, say);
}

function checkInvocation(state: State, say: (problem: string) => void) {
  const parameters = isObject(state.Parameters) ? (state.Parameters as Record<string, Json>) : {};
  const name = parameters.FunctionName;
  if (typeof name !== 'string' || !name) say('needs a FunctionName in its Parameters');
  else if (name.includes('${')) say(`still has the placeholder ${name} as its FunctionName`);
  for (const key of Object.keys(parameters))
    if (!['FunctionName', 'Payload', 'Payload.$'].includes(key))
      say(`has ${key} in its Parameters, which is not supported here`);
  if ('Payload' in parameters && 'Payload.$' in parameters) say('has both Payload and Payload.$');
  if (waitsForCallback(state) && !JSON.stringify(parameters).includes('$$.Task.Token'))
    say('waits for a task token (waitForTaskToken) but passes $$.Task.Token to nobody');
}

function checkHandlers(field: string, handlers: (Retrier | Catcher)[] | undefined, say: (problem: string) => void) {
  if (handlers !== undefined && !Array.isArray(handlers)) return say(`needs an array as its ${field}`);
  const allowed =
    field === 'Retry' ? 'IntervalSeconds BackoffRate MaxAttempts MaxDelaySeconds JitterStrategy' : 'Next ResultPath';
  for (const [index, handler] of (handlers ?? []).entries()) {
    const names = handler.ErrorEquals;
    if (!Array.isArray(names) || !names.length) say(`has a ${field} without ErrorEquals`);
    else if (names.includes('States.ALL') && (names.length > 1 || index < handlers!.length - 1))
      say(`has States.ALL in a ${field} where it is not alone and last`);
    for (const key of Object.keys(handler))
      if (!`ErrorEquals Comment ${allowed}`.split(' ').includes(key))
        say(`has ${key} in a ${field}, which is not supported here`);
    const least = { IntervalSeconds: 1, MaxAttempts: 0, MaxDelaySeconds: 1, BackoffRate: 1 };
    const problems: string[] = [];
    checkNumbers(`has a ${field} whose`, handler, least, problems);
    for (const problem of problems) say(problem);
    const jitter = 'JitterStrategy' in handler ? handler.JitterStrategy : 'NONE';
    if (jitter !== 'FULL' && jitter !== 'NONE') say(`has the unknown JitterStrategy ${jitter}`);
  }
}

function checkNumbers(where: string, holder: object, least: Record<string, number>, problems: string[]) {
  for (const [field, minimum] of Object.entries(least)) {
    const value = (holder as Record<string, unknown>)[field];
    const fits = field === 'BackoffRate' ? Number.isFinite(value) : Number.isInteger(value);
    if (value !== undefined && !(fits && Number(value) >= minimum && Number(value) <= 99_999_999))
      problems.push(`${where} ${field} must be a number between ${minimum} and 99999999, not ${JSON.stringify(value)}`);
  }
}

function checkRule(rule: Rule, say: (problem: string) => void) {
  const nested = rule.And ?? rule.Or ?? (rule.Not && [rule.Not]);
  if (nested) {
    const keys = Object.keys(rule).filter((key) => key !== 'Next' && key !== 'Comment');
    if (keys.length > 1) say(`has a choice with ${keys.join(' and ')}, which cannot stand together here`);
    for (const inner of nested) checkRule(inner, say);
    return;
  }
  const operator = operatorOf(rule);
  if (!operator) return say(`has a choice that is not exactly one known comparison (${Object.keys(rule).join(', ')})`);
  if (typeof rule.Variable !== 'string') return say('has a choice without Variable');
  checkExpression('Variable', rule.Variable, say);
  if (operator.endsWith('Path')) checkExpression(operator, rule[operator], say);
}

function checkExpressions(state: State, say: (problem: string) => void) {
  const paths = [
    'InputPath',
    'OutputPath',
    'TimeoutSecondsPath',
    'SecondsPath',
    'TimestampPath',
    'ErrorPath',
    'CausePath',
  ] as const;
  for (const field of paths)
    if (state[field] !== undefined && state[field] !== null) checkExpression(field, state[field], say);
  for (const path of [state.ResultPath, ...(state.Catch ?? []).map((catcher) => catcher.ResultPath)]) {
    if (path === undefined || path === null) continue;
    checkExpression('ResultPath', path, say);
    if (!/^\$(?!\$)/.test(path)) say(`has the ResultPath ${path}, which does not point into the input`);
  }
  checkTemplate(state.Parameters, say);
  checkTemplate(state.ResultSelector, say);
}

function checkTemplate(template: Json | undefined, say: (problem: string) => void) {
  if (template === null || typeof template !== 'object') return;
  for (const [key, value] of Object.entries(template)) {
    if (!Array.isArray(template) && key.endsWith('.$')) checkExpression(key, value, say);
    else checkTemplate(value, say);
  }
}

function checkExpression(field: string, text: unknown, say: (problem: string) => void) {
  if (typeof text !== 'string') return say(`needs a path as its ${field}`);
  try {
    parseExpression(text);
  } catch (error) {
    say(`has a ${field} that cannot be read: ${(error as Error).message}`);
  }
}

function reachable(machine: Machine): Set<string> {
  const reached = new Set([machine.StartAt]);
  for (const name of reached) for (const next of successors(machine.States[name]!)) reached.add(next);
  return reached;
}

function successors(state: State): string[] {
  const choices = (state.Choices ?? []).map((rule) => rule.Next);
  const caught = Array.isArray(state.Catch) ? state.Catch.map((catcher) => catcher.Next) : [];
  return [state.Next, state.Default, ...choices, ...caught].filter((next) => next !== undefined);
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;
