import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { pipeline } from '../../infra/pipeline.ts';
import { budgetActions, preflightActions } from '../../infra/stacks/pipeline-stack.ts';
import { withThrowawayApp } from '../../infra/throwaway-app.ts';
import { ofType, statementsOf, type Template } from './synthesized.ts';

const cdk = JSON.parse(readFileSync(new URL('../../cdk.json', import.meta.url), 'utf8'));

const templateOf = (context: Record<string, string>): Template =>
  withThrowawayApp({ context: { ...cdk.context, ...context } }, (app) => {
    const { artifactId } = pipeline(app);
    return app.synth().getStackArtifact(artifactId).template;
  });

const providerArn = 'arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com';
const given = { repository: 'tea/shop', stage: 'prod' };
const template = templateOf(given);
const role = (name: string) =>
  ofType(template, 'AWS::IAM::Role').find(([, { Properties }]) => Properties.RoleName === `counterfoil-prod-${name}`)!;

test('each role is for one environment of one repository, and for nobody else', () => {
  expect(ofType(template, 'AWS::IAM::Role')).toHaveLength(2);
  for (const [name, environment] of [
    ['plan', 'prod-plan'],
    ['release', 'prod'],
  ] as const) {
    const { Statement } = role(name)[1].Properties.AssumeRolePolicyDocument;
    expect(Statement).toEqual([
      {
        Action: 'sts:AssumeRoleWithWebIdentity',
        Effect: 'Allow',
        Principal: { Federated: expect.anything() },
        Condition: {
          StringEquals: {
            'token.actions.githubusercontent.com:aud': 'sts.amazonaws.com',
            'token.actions.githubusercontent.com:sub': `repo:tea/shop:environment:${environment}`,
          },
        },
      },
    ]);
  }
});

test('the role that releases may do nothing but take the roles of the bootstrap, and read the error budgets of prod', () => {
  const statements = statementsOf(template, role('release')[0]);
  expect(statements.map(({ Action }) => Action)).toEqual([['sts:AssumeRole'], [...budgetActions]]);
  expect(JSON.stringify(templateOf({ ...given, stage: 'staging' }))).not.toContain('cloudwatch:');
  const asked = readFileSync(new URL('../../infra/release/budget.ts', import.meta.url), 'utf8');
  const commands = [...asked.matchAll(/new (\w+)Command\(/g)].map(([, command]) => `cloudwatch:${command}`);
  expect(commands.toSorted()).toEqual([...budgetActions]);
  const roles = statements[0]!.Resource.map(
    (each) => /role\/(cdk-hnb659fds-[a-z-]+-role-)/.exec(JSON.stringify(each))?.[1],
  );
  expect(roles).toEqual(['deploy', 'file-publishing', 'lookup'].map((each) => `cdk-hnb659fds-${each}-role-`));
});

test('the role that plans may read what preflight asks, and cannot deploy', () => {
  const statements = statementsOf(template, role('plan')[0]);
  expect(statements.flatMap(({ Action }) => Action)).toEqual([
    'sts:AssumeRole',
    ...preflightActions,
    'ssm:GetParameter',
  ]);
  expect(JSON.stringify(statements[0]!.Resource)).not.toMatch(/deploy|publishing/);
  expect(JSON.stringify(statements[2]!.Resource)).toContain(':parameter/cdk-bootstrap/hnb659fds/version');
  const asked = readFileSync(new URL('../../infra/preflight/account.ts', import.meta.url), 'utf8');
  const commands = [...asked.matchAll(/new (\w+)Command\(|paginate(\w+)\(/g)].map(([, one, many]) => one ?? many);
  const allowed = [...preflightActions, 'ssm:GetParameter', 'sts:GetCallerIdentity'].map((each) => each.split(':')[1]);
  expect(new Set(commands)).toEqual(new Set(allowed));
});

test('an account that has GitHub’s provider keeps it', () => {
  expect(ofType(template, 'AWS::IAM::OIDCProvider')).toHaveLength(1);
  const another = templateOf({ ...given, providerArn });
  expect(ofType(another, 'AWS::IAM::OIDCProvider')).toEqual([]);
  expect(JSON.stringify(another)).toContain(providerArn);
});

test.each([
  [{ stage: 'prod' }, /repository=OWNER\/NAME/],
  [{ ...given, repository: 'tea/*' }, /repository=OWNER\/NAME/],
  [{ ...given, repository: 'tea/shop:ref' }, /repository=OWNER\/NAME/],
  [{ repository: 'tea/shop' }, /stage=staging or -c stage=prod/],
  [{ ...given, stage: 'dev' }, /stage=staging or -c stage=prod/],
  [{ ...given, providerArn: 'arn:aws:iam::1:user/x' }, /providerArn is not/],
])('%j is refused', (context, message) => {
  expect(() => templateOf(context as Record<string, string>)).toThrow(message);
});
