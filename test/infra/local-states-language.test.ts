import { StateMachine } from 'aws-local-stepfunctions';
import { describe, expect, test } from 'vitest';
import { awaiting, chain, machine, open } from '../support/local-states.ts';

describe('a definition', () => {
  const task = (more: object) => machine({ T: { Type: 'Task', Resource: 'x', End: true, ...more } });
  const callback = (more: object, parameters: object = {}) => {
    const waiting = awaiting('f');
    return machine({ T: { ...waiting, Parameters: { ...waiting.Parameters, ...parameters }, ...more } });
  };

  test.each([
    ['JSONata', { ...chain('a'), QueryLanguage: 'JSONata' }, 'JSONata'],
    ['JSONata in a state', task({ QueryLanguage: 'JSONata' }), 'JSONata'],
    ['Assign', task({ Assign: { a: 1 } }), 'Assign'],
    ['Assign in a catcher', task({ Catch: [{ ErrorEquals: ['A'], Next: 'T', Assign: {} }] }), 'Assign'],
    [
      'a Distributed Map',
      machine({ M: { Type: 'Map', ItemProcessor: { ProcessorConfig: { Mode: 'DISTRIBUTED' } }, End: true } }),
      'Distributed Map',
    ],
    ['a task token that nobody waits for', task({ Parameters: { 't.$': '$$.Task.Token' } }), 'waitForTaskToken'],
    ['a task token that nobody gets', callback({}, { Payload: {} }), 'passes $$.Task.Token to nobody'],
    ['an invocation of nothing', task({ Resource: 'arn:aws:states:::lambda:invoke' }), 'needs a FunctionName'],
    ['a FunctionName by path', callback({}, { FunctionName: undefined, 'FunctionName.$': '$.f' }), 'FunctionName.$'],
    ['a placeholder as FunctionName', callback({}, { FunctionName: `\${Ask}` }), `placeholder \${Ask}`],
    ['an asynchronous invocation', callback({}, { InvocationType: 'Event' }), 'InvocationType'],
    ['two payloads', callback({}, { 'Payload.$': '$' }), 'both Payload and Payload.$'],
    ['two time-outs', callback({ TimeoutSeconds: 5, TimeoutSecondsPath: '$.t' }), 'both TimeoutSeconds'],
    ['heartbeats of a callback', callback({ TimeoutSeconds: 15, HeartbeatSeconds: 5 }), 'HeartbeatSeconds'],
    ['heartbeats by path', callback({ HeartbeatSecondsPath: '$.beat' }), 'HeartbeatSecondsPath'],
    ['a service integration', task({ Resource: 'arn:aws:states:::sns:publish' }), 'only Lambda functions'],
    [
      'a callback from another service',
      task({ Resource: 'arn:aws:states:::sqs:sendMessage.waitForTaskToken' }),
      'only Lambda functions',
    ],
    ['a placeholder', task({ Resource: `\${ReserveStock}` }), `placeholder \${ReserveStock}`],
    ['HeartbeatSeconds', task({ HeartbeatSeconds: 5 }), 'HeartbeatSeconds'],
    ['a filter in a path', task({ InputPath: '$.a[?(@.b)]' }), 'cannot be read'],
    ['an unknown intrinsic function', task({ Parameters: { 'a.$': 'States.Nope($.a)' } }), 'States.Nope'],
    ['a Next to nowhere', machine({ A: { Type: 'Pass', Next: 'B' } }), '"B", which does not exist'],
    ['a state never reached', machine({ A: { Type: 'Succeed' }, B: { Type: 'Succeed' } }), '"B" is never reached'],
    ['neither Next nor End', machine({ A: { Type: 'Pass' } }), 'either Next or End'],
    [
      'States.ALL before another',
      task({ Retry: [{ ErrorEquals: ['States.ALL'] }, { ErrorEquals: ['A'] }] }),
      'alone and last',
    ],
    ['a broken TimeoutSeconds', task({ TimeoutSeconds: 0 }), 'TimeoutSeconds must be a number between 1'],
    [
      'an unknown comparison',
      machine({ A: { Type: 'Choice', Choices: [{ Variable: '$.a', Equals: 1, Next: 'A' }] } }),
      'one known comparison',
    ],
    ['no such StartAt', { StartAt: 'Z', States: { A: { Type: 'Succeed' } } }, 'StartAt names no state (Z)'],
  ])('with %s is refused with a clear sentence', async (_, definition, words) => {
    const opening = open(definition, {});
    await expect(opening).rejects.toMatchObject({ name: 'DefinitionRefused' });
    await expect(opening).rejects.toThrow(words);
  });
});

describe('data', () => {
  const input = {
    a: { b: [1, { c: 'x' }] },
    n: 5,
    s: 'it\'s "so" \\ {}',
    t: '2030-01-01T00:00:00Z',
    nil: null,
    no: false,
  };
  const pass = (Parameters: object) => machine({ P: { Type: 'Pass', Parameters, End: true } });
  const rule = (...Choices: object[]) =>
    machine({
      C: { Type: 'Choice', Choices: Choices.map((choice) => ({ ...choice, Next: 'Yes' })), Default: 'No' },
      Yes: { Type: 'Pass', Result: 'yes', End: true },
      No: { Type: 'Pass', Result: 'no', End: true },
    });

  // What the independent interpreter also gets right: both must agree.
  test.each<[string, object]>([
    ['Parameters', pass({ 'x.$': '$.a.b[1].c', 'all.$': '$', deep: [{ 'n.$': '$.n' }], fixed: 1 })],
    ['ResultPath', machine({ P: { Type: 'Pass', Result: { r: 1 }, ResultPath: '$.a.d', End: true } })],
    ['ResultPath null', machine({ P: { Type: 'Pass', Result: { r: 1 }, ResultPath: null, End: true } })],
    ['InputPath and OutputPath', machine({ P: { Type: 'Pass', InputPath: '$.a', OutputPath: '$.b[0]', End: true } })],
    ['InputPath null', machine({ P: { Type: 'Pass', InputPath: null, End: true } })],
    [
      'ResultSelector',
      machine({
        P: { Type: 'Task', Resource: 'echo', ResultSelector: { 'n.$': '$.n' }, ResultPath: '$.out', End: true },
      }),
    ],
    ['States.Format', pass({ 'x.$': "States.Format('{}-{}-{}', $.n, $.nil, $.no)" })],
    ['nested intrinsics', pass({ 'x.$': 'States.ArrayLength(States.Array($.n, 1, States.MathAdd($.n, 2)))' })],
    ['States.ArrayGetItem', pass({ 'x.$': 'States.ArrayGetItem($.a.b, 1)', 'y.$': 'States.ArrayContains($.a.b, 1)' })],
    ['StringEquals', rule({ Variable: '$.t', StringEquals: '2030-01-01T00:00:00Z' })],
    ['StringMatches', rule({ Variable: '$.t', StringMatches: '2030-*Z' })],
    ['NumericGreaterThanEquals', rule({ Variable: '$.n', NumericGreaterThanEquals: 5 })],
    ['NumericLessThanPath', rule({ Variable: '$.n', NumericLessThanPath: '$.n' })],
    ['TimestampLessThan', rule({ Variable: '$.t', TimestampLessThan: '2031-01-01T00:00:00+02:00' })],
    ['BooleanEquals false', rule({ Variable: '$.no', BooleanEquals: false })],
    [
      'And, Or, Not',
      rule({
        And: [
          { Not: { Variable: '$.n', NumericEquals: 6 } },
          {
            Or: [
              { Variable: '$.n', NumericEquals: 1 },
              { Variable: '$.nil', IsNull: true },
            ],
          },
        ],
      }),
    ],
    ['IsPresent true', rule({ Variable: '$.gone', IsPresent: true })],
    [
      'no match without Default',
      machine({
        C: { Type: 'Choice', Choices: [{ Variable: '$.n', NumericEquals: 6, Next: 'S' }] },
        S: { Type: 'Succeed' },
      }),
    ],
    ['a Fail state', machine({ F: { Type: 'Fail', Error: 'E', Cause: 'because' } })],
    ['a missing path', machine({ P: { Type: 'Pass', InputPath: '$.gone', End: true } })],
  ])('%s gives what aws-local-stepfunctions gives', async (_, definition) => {
    const handlers = Object.fromEntries(
      Object.keys((definition as { States: object }).States).map((name) => [name, async () => input]),
    );
    const library = new StateMachine(definition as never, { validationOptions: { checkArn: false } });
    const expected = await library.run(input, { overrides: { taskResourceLocalHandlers: handlers } }).result.then(
      (output) => ({ status: 'SUCCEEDED', output }),
      (error) => ({ status: 'FAILED', error: error.cause.name }),
    );
    const { start, settled } = await open(definition, { echo: () => input });
    await start('a', input);
    const { status, output, error } = await settled('a');
    expect(status === 'SUCCEEDED' ? { status, output: JSON.parse(output!) } : { status, error }).toEqual(expected);
  });

  test.each<[string, object, unknown]>([
    [
      'quotes and backslashes pass through States.Format',
      pass({ 'x.$': "States.Format('<{}> \\{\\} \\'', $.s)" }),
      { x: `<${input.s}> {} '` },
    ],
    [
      'States.JsonToString keeps its escapes',
      pass({ 'x.$': 'States.JsonToString($.s)' }),
      { x: JSON.stringify(input.s) },
    ],
    ['ResultPath $ replaces the input', machine({ P: { Type: 'Pass', Result: 1, ResultPath: '$', End: true } }), 1],
    [
      'a Result of false or null counts',
      machine({ P: { Type: 'Pass', Result: false, ResultPath: '$.x', OutputPath: '$.x', End: true } }),
      false,
    ],
    ['IsPresent false holds where nothing is', rule({ Variable: '$.gone', IsPresent: false }), 'yes'],
    ['IsNull false holds for a value', rule({ Variable: '$.n', IsNull: false }), 'yes'],
    ['a comparison of another type does not hold', rule({ Variable: '$.n', StringLessThan: 'z' }), 'no'],
  ])('%s', async (_, definition, expected) => {
    const { run } = await open(definition, {});
    expect(await run('a', input)).toEqual(expected);
  });

  test('an intrinsic function that fails is States.IntrinsicFailure, which can be caught', async () => {
    const definition = machine({
      T: {
        Type: 'Task',
        Resource: 'x',
        Parameters: { 'a.$': 'States.StringToJson($.s)' },
        Catch: [{ ErrorEquals: ['States.IntrinsicFailure'], Next: 'Caught' }],
        End: true,
      },
      Caught: { Type: 'Succeed' },
    });
    const { run } = await open(definition, { x: () => 1 });
    expect(await run('a', { s: '{broken' })).toMatchObject({ Error: 'States.IntrinsicFailure' });
  });
});
