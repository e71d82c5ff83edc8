import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { jobs } from '../../functions/jobs.ts';
import { routes } from '../../functions/routes.ts';
import { steps } from '../../functions/steps.ts';
import { settingsOf } from './settings-table.ts';
import { exportsOf, importsOf, stacksOf, synthesized, type Template } from './synthesized.ts';

/** What a stack keeps data in, or is known by from outside. */
const lasting = new Set([
  'AWS::ApiGatewayV2::Api',
  'AWS::Cognito::UserPool',
  'AWS::DynamoDB::Table',
  'AWS::EC2::VPC',
  'AWS::KMS::Key',
  'AWS::Logs::LogGroup',
  'AWS::RDS::DBCluster',
  'AWS::RDS::DBProxy',
  'AWS::SQS::Queue',
  'AWS::StepFunctions::StateMachine',
]);

const deployGuide = readFileSync(new URL('../../docs/deploy.md', import.meta.url), 'utf8');
const documented = Object.fromEntries(
  [...deployGuide.matchAll(/^\| `counterfoil-<stage>-(\w+)` \|.*\| (\d+) \|$/gm)].map(([, stack, count]) => [
    stack,
    Number(count),
  ]),
);

describe.each(['dev', 'staging', 'small', 'prod'] as const)('%s', (profile) => {
  const stages = Object.entries(settingsOf[profile]).map(([name, context]) => ({
    name,
    templates: stacksOf(synthesized(profile, { context })),
  }));
  const pairs = stages.flatMap((from) => stages.filter((to) => to !== from).map((to) => ({ from, to })));

  test('a change of settings takes no export away that a deployed stack imports, and changes none', () => {
    const refused = pairs.flatMap(({ from, to }) => {
      const offered = exportsOf(to.templates);
      const before = exportsOf(from.templates);
      return importsOf(from.templates)
        .filter((name) => JSON.stringify(offered.get(name)) !== JSON.stringify(before.get(name)))
        .map((name) => `${from.name} → ${to.name}: ${name}`);
    });
    expect(refused).toEqual([]);
    expect(importsOf(stages[0]!.templates).length).toBeGreaterThan(20);
  });

  test('a change of settings neither deletes nor replaces what keeps data', () => {
    const [first, ...rest] = stages.map(({ templates }) => lastingIn(templates));
    for (const other of rest) expect(other).toEqual(first);
    expect(Object.keys(first!).length).toBeGreaterThan(30);
  });

  test('what describes an output or a parameter is plain text, as CloudFormation wants it', () => {
    for (const { name, templates } of stages)
      for (const [stack, template] of templates)
        for (const [id, { Description }] of Object.entries({
          ...(template.Outputs as Record<string, { Description?: unknown }>),
          ...(template as { Parameters?: Record<string, { Description?: unknown }> }).Parameters,
        }))
          expect(typeof (Description ?? ''), `${stack} ${id}, ${name}`).toBe('string');
  });

  test('no stack has more than 300 resources, with any settings, nor more than docs/deploy.md says', () => {
    for (const { name, templates } of stages) {
      for (const [stack, template] of templates) {
        const count = Object.keys(template.Resources).length;
        expect(count, `${stack}, ${name}`).toBeLessThanOrEqual(300);
        expect(count, `${stack}, ${name}`).toBeLessThanOrEqual(documented[stack]!);
        // A small stage leaves out what it can.
        if (profile !== 'small') expect(count, `${stack}, ${name}`).toBeGreaterThan(documented[stack]! - 40);
        // CDK indents by a blank; CloudFormation takes a mebibyte.
        expect(JSON.stringify(template, undefined, 1).length, `${stack}, ${name}`).toBeLessThan(700_000);
      }
    }
  });
});

test('what the tests of a change look for is found: an export that goes, and one that changes', () => {
  const stack = (value: string | undefined): [string, Template][] => [
    ['one', { Resources: {}, Outputs: value === undefined ? {} : { A: { Value: value, Export: { Name: 'one:A' } } } }],
    ['two', { Resources: { B: { Type: 'T', Properties: { Of: { 'Fn::ImportValue': 'one:A' } } } }, Outputs: {} }],
  ];
  expect(importsOf(stack('x'))).toEqual(['one:A']);
  expect(exportsOf(stack('x'))).toEqual(new Map([['one:A', 'x']]));
  expect(exportsOf(stack(undefined)).size).toBe(0);
});

test('an endpoint costs four resources, a step four and a job six, as docs/deploy.md says', () => {
  const templates = synthesized('dev');
  const count = (stack: 'accounts' | 'saga' | 'jobs', construct: string): string[] =>
    Object.entries(templates[stack].Resources)
      .filter(([id]) => id.startsWith(construct))
      .map(([, { Type }]) => Type.split('::').at(-1)!)
      .toSorted();
  expect(routes['sign-up'].handler).toBe('http/sign-up');
  expect(count('accounts', 'AccountsSignUp')).toEqual(['Function', 'Integration', 'Role', 'Route']);
  expect(steps.ReserveStock.handler).toBe('saga/reserve-stock');
  expect(count('saga', 'OrderSagaReserveStock')).toEqual(['Function', 'LogGroup', 'Role', 'Version']);
  expect(jobs['sweep-orders'].handler).toBe('jobs/sweep-orders');
  expect(count('jobs', 'SchedulesSweepOrders')).toEqual([
    'EventInvokeConfig',
    'Function',
    'LogGroup',
    'Role',
    'Role',
    'Schedule',
  ]);
});

/** What lasts, by stack and logical id, with those of its properties that it is made anew for when they change. */
const lastingIn = (templates: [string, Template][]): Record<string, unknown> =>
  Object.fromEntries(
    templates.flatMap(([stack, { Resources }]) =>
      Object.entries(Resources)
        .filter(([, { Type }]) => lasting.has(Type))
        .map(([id, { Properties = {} }]) => [
          `${stack} ${id}`,
          Object.fromEntries(
            Object.entries(Properties).filter(([name]) =>
              /(Name|Identifier|KeySchema|AttributeDefinitions|UsernameAttributes|AliasAttributes|UsernameConfiguration|KmsKeyId|CidrBlock|ProtocolType)$/.test(
                name,
              ),
            ),
          ),
        ]),
    ),
  );
