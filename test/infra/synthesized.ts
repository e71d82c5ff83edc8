import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, type Stack } from 'aws-cdk-lib';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import { functionNameOf } from '../../infra/constructs/names.ts';
import { readSettings } from '../../infra/profiles.ts';
import { counterfoil } from '../../infra/stage.ts';

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
const contextOf = (profile: 'dev' | 'prod'): Record<string, unknown> => ({
  ...cdk.context,
  profile,
  ...(profile === 'prod'
    ? {
        paymentProvider: 'stripe',
        stripeSecretArn: stripeSecret,
        stripeWebhookSecretArn: webhookSecret,
        alarmEmail: 'duty@example.com',
        mailFrom: 'The Shop <shop@example.com>',
      }
    : {}),
});

/**
 * The templates of a stage as they would be deployed, but for the functions' code. CloudFormation's own rules take
 * longer than all the rest: they are left to the test that asks for every check.
 */
export function synthesized(
  profile: 'dev' | 'prod',
  also: (stacks: { data: Stack; service: Stack; watch: Stack }) => void = () => {},
  { everyCheck = false, context = {} }: { everyCheck?: boolean; context?: Record<string, string> } = {},
): { data: Template; service: Template; watch: Template } {
  const outdir = mkdtempSync(join(tmpdir(), 'counterfoil-synth-'));
  try {
    const app = new App({
      context: { ...contextOf(profile), ...context },
      outdir,
      builtinCloudFormationValidation: everyCheck,
    });
    const stacks = counterfoil(app, readSettings(app.node), () =>
      lambda.Code.fromInline('exports.handler = async () => {}'),
    );
    also(stacks);
    const assembly = app.synth();
    const template = (stack: Stack): Template => assembly.getStackArtifact(stack.artifactId).template;
    return { data: template(stacks.data), service: template(stacks.service), watch: template(stacks.watch) };
  } finally {
    rmSync(outdir, { recursive: true, force: true });
  }
}

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
