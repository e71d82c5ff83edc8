import { readFileSync } from 'node:fs';
import type { Stack } from 'aws-cdk-lib';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import { functionNameOf } from '../../infra/constructs/names.ts';
import type { Profile } from '../../infra/profiles.ts';
import { readSettings } from '../../infra/settings.ts';
import { counterfoil, type Stacks } from '../../infra/stage.ts';
import { withThrowawayApp } from '../../infra/throwaway-app.ts';

export type Resource = {
  Type: string;
  // biome-ignore lint/suspicious/noExplicitAny: CloudFormation's JSON, of any shape
  Properties: any;
  DependsOn?: string[];
  DeletionPolicy?: string;
  UpdateReplacePolicy?: string;
};
export type Template = { Resources: Record<string, Resource>; Outputs: Record<string, unknown> };

export const stripeSecret = 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:stripe-AbCdEf';
export const webhookSecret = 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:stripe-webhook-GhIjKl';

const cdk = JSON.parse(readFileSync(new URL('../../cdk.json', import.meta.url), 'utf8'));

/** The context of `cdk.json` and of the command line, for a stage that can be. */
export const contextOf = (profile: Profile['name']): Record<string, unknown> => ({
  ...cdk.context,
  profile,
  ...(profile === 'dev' || profile === 'staging'
    ? {}
    : {
        paymentProvider: 'stripe',
        stripeSecretArn: stripeSecret,
        stripeWebhookSecretArn: webhookSecret,
        alarmEmail: 'duty@example.com',
      }),
  ...(profile === 'prod'
    ? {
        mailFrom: 'The Shop <shop@example.com>',
        orderMails: 'all',
      }
    : {}),
});

type Name = keyof Stacks;
export type Templates = Record<Name, Template> & {
  /** The stacks of a release, all but `data`, `backup` and `monitoring`, as one template. */
  service: Template;
  /** The stacks that each one is deployed after, directly. */
  after: Record<Name, Name[]>;
};

type Options = {
  everyCheck?: boolean;
  context?: Record<string, string>;
  /** Adds to the stacks before they are synthesized. */
  also?: (stacks: Stacks) => void;
};

/**
 * The templates of a stage as they would be deployed, but for the functions' code. CloudFormation's own rules take
 * longer than all the rest: they are left to the test that asks for every check.
 */
export function synthesized(profile: Profile['name'], options: Options = {}): Templates {
  const { everyCheck = false, context = {}, also } = options;
  if (everyCheck || also !== undefined) return synthesize(profile, options);
  const key = JSON.stringify([profile, context]);
  const known = made.get(key) ?? synthesize(profile, options);
  made.set(key, known);
  return known;
}

/** Of this process: its test files ask for the same stages. */
const made = new Map<string, Templates>();

function synthesize(profile: Profile['name'], { everyCheck = false, context = {}, also }: Options): Templates {
  const props = { context: { ...contextOf(profile), ...context }, builtinCloudFormationValidation: everyCheck };
  return withThrowawayApp(props, (app) => {
    const stacks = counterfoil(app, readSettings(app.node), () =>
      lambda.Code.fromInline('exports.handler = async () => {}'),
    );
    also?.(stacks);
    const assembly = app.synth();
    const entries = Object.entries(stacks) as [Name, Stack][];
    const templates = Object.fromEntries(
      entries.map(([name, { artifactId }]) => [name, assembly.getStackArtifact(artifactId).template]),
    ) as Record<Name, Template>;
    const { data, monitoring, backup, ...release } = templates;
    const after = Object.fromEntries(
      entries.map(([name, stack]) => [
        name,
        entries.filter(([, other]) => stack.dependencies.includes(other)).map(([other]) => other),
      ]),
    ) as Record<Name, Name[]>;
    return { ...templates, service: merged(release), after };
  });
}

/** Each stack's template, without the one that is made of several. */
export const stacksOf = ({ service, after, ...templates }: Templates): [string, Template][] =>
  Object.entries(templates);

/** Templates as one: an import from one of them is the reference that it stands for. */
function merged(templates: Record<string, Template>): Template {
  const exports = new Map<string, unknown>();
  for (const { Outputs = {} } of Object.values(templates)) {
    for (const { Value, Export } of Object.values(Outputs) as Output[]) if (Export) exports.set(Export.Name, Value);
  }
  const resources: [string, Resource][] = Object.values(templates).flatMap(({ Resources }) =>
    Object.entries(Resources),
  );
  if (new Set(resources.map(([id]) => id)).size < resources.length) throw new Error('a logical id is in two stacks');
  const direct = (_: string, value: unknown): unknown => {
    const name =
      typeof value === 'object' && value !== null && (value as { 'Fn::ImportValue'?: string })['Fn::ImportValue'];
    return name && exports.has(name) ? exports.get(name) : value;
  };
  const text = JSON.stringify(Object.fromEntries(resources), direct);
  return { Resources: JSON.parse(text), Outputs: {} };
}

export type Output = { Value: unknown; Export?: { Name: string } };

/** What each export is, by its name. */
export function exportsOf(templates: [string, Template][]): Map<string, unknown> {
  const outputs = templates.flatMap(([, { Outputs = {} }]) => Object.values(Outputs) as Output[]);
  return new Map(outputs.flatMap(({ Value, Export }) => (Export === undefined ? [] : [[Export.Name, Value]])));
}

/** The names of all exports that are imported. */
export const importsOf = (templates: [string, Template][]): string[] => [
  ...new Set(
    templates.flatMap(([, template]) =>
      [...JSON.stringify(template).matchAll(/"Fn::ImportValue":"([^"]+)"/g)].map(([, name]) => name!),
    ),
  ),
];

/** Resources of a type, with their logical ids. */
export const ofType = (template: Template, type: string): [string, Resource][] =>
  Object.entries(template.Resources).filter(([, resource]) => resource.Type === type);

export type Statement = { Effect: string; Action: string[]; Resource: unknown[]; Condition?: unknown };

const list = <T>(value: T | T[]): T[] => (Array.isArray(value) ? value : [value]);

const normal = (statement: { Effect: string; Action: string | string[]; Resource: unknown }): Statement => ({
  ...statement,
  Action: list(statement.Action),
  Resource: list(statement.Resource),
});

/** Every statement of a role's own and attached policies, those of Amazon's own policies excepted. */
export function statementsOf(template: Template, roleId: string): Statement[] {
  const role = template.Resources[roleId]!.Properties;
  const inline = (role.Policies ?? []).flatMap(
    (policy: { PolicyDocument: { Statement: [] } }) => policy.PolicyDocument.Statement,
  );
  const attached = [...ofType(template, 'AWS::IAM::Policy'), ...ofType(template, 'AWS::IAM::ManagedPolicy')]
    .filter(
      ([id, { Properties }]) =>
        (Properties.Roles ?? []).some((other: { Ref: string }) => other.Ref === roleId) ||
        (role.ManagedPolicyArns ?? []).some((arn: { Ref?: string }) => arn.Ref === id),
    )
    .flatMap(([, { Properties }]) => Properties.PolicyDocument.Statement);
  return [...inline, ...attached].map(normal);
}

/** The function of a handler, with its logical id. */
export const functionOf = (template: Template, stage: string, handler: string): [string, Resource] =>
  ofType(template, 'AWS::Lambda::Function').find(
    ([, { Properties }]) => Properties.FunctionName === functionNameOf(stage, handler),
  )!;

export const roleOf = (fn: Resource): string => fn.Properties.Role['Fn::GetAtt'][0];
