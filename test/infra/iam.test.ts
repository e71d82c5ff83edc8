import { describe, expect, test } from 'vitest';
import type { Call } from '../../infra/local/functions/calls.ts';
import { allows, type Statement } from '../iam/policy.ts';
import { prove } from '../iam/prove.ts';
import { synthesized, type Template, type Templates } from './synthesized.ts';

const arnOf = (kind: string, machine: string) =>
  `arn:aws:states:eu-west-1:000000000000:${kind}:counterfoil-local-order-${machine}`;

/** What some functions ask for on a laptop: one of each kind. */
const calls: Call[] = [
  { handler: 'http/place-order', action: 'dynamodb:UpdateItem', resource: 'limits' },
  { handler: 'http/place-order', action: 'rds-db:connect', resource: 'orders_api' },
  { handler: 'http/place-order', action: 'states:StartExecution', resource: arnOf('stateMachine', 'placing') },
  { handler: 'http/get-sales-report', action: 'rds-db:connect', resource: 'reporting@reader' },
  {
    handler: 'jobs/sweep-orders',
    action: 'states:DescribeExecution',
    resource: `${arnOf('execution', 'placing')}:any`,
  },
  { handler: 'saga/await-payment', action: 'states:SendTaskSuccess', resource: 'stateMachine:local-order-placing' },
  {
    handler: 'jobs/publish-events',
    action: 'events:PutEvents',
    resource: 'counterfoil',
    context: { 'events:source': 'counterfoil' },
  },
];

/** The stage with a change to its templates, which no other test sees. */
function changed(stage: 'dev' | 'prod', change: (templates: Templates) => void): Templates {
  const templates = structuredClone(synthesized(stage));
  change(templates);
  return templates;
}

type Policies = { PolicyDocument: { Statement: { Action: string | string[] }[] } }[];

/** Takes statements with an action away from the role that a function or the proxy has. */
function withoutAction(template: Template, roleId: RegExp, action: string): void {
  for (const [id, { Type, Properties }] of Object.entries(template.Resources)) {
    if (Type !== 'AWS::IAM::Role' || !roleId.test(id)) continue;
    for (const { PolicyDocument } of Properties.Policies as Policies) {
      PolicyDocument.Statement = PolicyDocument.Statement.filter(({ Action }) => ![Action].flat().includes(action));
    }
  }
}

const refusedBy = (stage: 'dev' | 'prod', change: (templates: Templates) => void): string[] =>
  prove(stage, changed(stage, change), calls).refused;

describe.each(['dev', 'prod'] as const)('%s', (stage) => {
  test('functions may do what they do', () => {
    const { refused, requests } = prove(stage, synthesized(stage), calls);
    expect(refused).toEqual([]);
    expect(requests).toBeGreaterThan(400);
  });
});

test('a permission that is missing is refused, by function, action and table', () => {
  const refused = refusedBy('dev', ({ shop }) => withoutAction(shop, /^ShopPlaceOrderRole/, 'dynamodb:UpdateItem'));
  expect(refused).toEqual([
    expect.stringMatching(/^http\/place-order: dynamodb:UpdateItem on .*:table\/TablesLimits\w+: its policy does not/),
  ]);
});

test('a function that may not write its log is refused, although nothing on a laptop calls the log', () => {
  const refused = refusedBy('dev', ({ shop }) => withoutAction(shop, /^ShopPlaceOrderRole/, 'logs:PutLogEvents'));
  expect(refused).toHaveLength(2);
  expect(refused[1]).toMatch(/^http\/place-order: logs:PutLogEvents on .*its policy does not allow it$/);
});

test('RDS Proxy without its policy is refused, by each function that logs in through it', () => {
  const refused = refusedBy('dev', ({ data }) => withoutAction(data, /ProxyRole/, 'rds-db:connect'));
  expect(refused).toEqual(
    ['get-sales-report', 'place-order'].map((name) =>
      expect.stringMatching(`^http/${name}: rds-db:connect on .*the policy of the proxy’s role does not allow it$`),
    ),
  );
});

test('a role of the database that the function was not given is refused', () => {
  const { refused } = prove('dev', synthesized('dev'), [
    { handler: 'http/place-order', action: 'rds-db:connect', resource: 'migrator' },
    { handler: 'saga/charge-payment', action: 'rds-db:connect', resource: 'saga' },
  ]);
  expect(refused).toEqual([
    expect.stringMatching(/^http\/place-order: rds-db:connect on .*\/migrator: its policy does not allow it$/),
    'saga/charge-payment: rds-db:connect on saga: no variable tells it the proxy',
  ]);
});

test('an event of another source than the function may publish is refused', () => {
  const { refused } = prove('dev', synthesized('dev'), [
    {
      handler: 'jobs/publish-events',
      action: 'events:PutEvents',
      resource: 'counterfoil',
      context: { 'events:source': 'other' },
    },
  ]);
  expect(refused).toEqual([
    expect.stringMatching(/^jobs\/publish-events: events:PutEvents on .*policy does not allow/),
  ]);
});

test('a function in the network is refused a service that has no endpoint there, or whose endpoint keeps it out', () => {
  const endpoint = ({ data }: Templates, id: RegExp) => {
    const [found] = Object.entries(data.Resources).filter(
      ([name, { Type }]) => Type.endsWith('VPCEndpoint') && id.test(name),
    );
    return found!;
  };
  const gone = refusedBy('dev', (templates) => {
    delete templates.data.Resources[endpoint(templates, /StepFunctions/)[0]];
  });
  expect(gone).toContainEqual(
    expect.stringMatching(/^http\/place-order: states:StartExecution .*has no endpoint for this/),
  );
  const closed = refusedBy('dev', (templates) => {
    endpoint(templates, /DynamoDb/)[1].Properties.PolicyDocument.Statement[0].Condition = {
      StringEquals: { 'aws:ResourceAccount': '999999999999' },
    };
  });
  expect(closed).toContainEqual(
    expect.stringMatching(/^http\/place-order: dynamodb:UpdateItem .*the policy of the endpoint/),
  );
});

test('a key that tables are under and that only another service may use is refused', () => {
  const refused = refusedBy('prod', ({ data }) => {
    const [, key] = Object.entries(data.Resources).find(([, { Type }]) => Type === 'AWS::KMS::Key')!;
    for (const { Condition } of key.Properties.KeyPolicy.Statement) {
      if (Condition?.StringEquals?.['kms:ViaService'])
        Condition.StringEquals['kms:ViaService'] = ['sqs.eu-west-1.amazonaws.com'];
    }
  });
  expect(refused).toContainEqual(
    expect.stringMatching(/^http\/place-order: dynamodb:UpdateItem .*the table’s key does not/),
  );
});

test('a function that is not told the name of what it uses is refused', () => {
  const refused = refusedBy('dev', ({ shop }) => {
    for (const { Type, Properties } of Object.values(shop.Resources)) {
      if (Type === 'AWS::Lambda::Function' && Properties.FunctionName === 'counterfoil-dev-http-place-order')
        delete Properties.Environment.Variables.PLACING_STATE_MACHINE_ARN;
    }
  });
  expect(refused).toEqual([expect.stringMatching(/^http\/place-order: states:StartExecution .*no variable tells it/)]);
});

test('rights that nothing needed are listed, one action on one resource each', () => {
  const { unused } = prove('dev', synthesized('dev'), calls);
  const ofPlacing = unused.filter(({ handler }) => handler === 'http/place-order');
  expect(ofPlacing).toContainEqual({
    handler: 'http/place-order',
    action: 'dynamodb:GetItem',
    resource: expect.stringContaining('TablesApplications'),
  });
  expect(ofPlacing.filter(({ action }) => /^(logs|ec2|states|rds-db):/.test(action))).toEqual([]);
});

describe('policies', () => {
  const allow = { Effect: 'Allow', Action: 'sqs:*', Resource: 'arn:aws:sqs:*:*:mine-?' } satisfies Statement;
  const asked = { action: 'sqs:SendMessage', resource: 'arn:aws:sqs:eu-west-1:1:mine-1', context: {} };

  test('wildcards match, a denial wins, and what nothing allows is refused', () => {
    expect(allows([allow], asked)).toBe(true);
    expect(allows([allow], { ...asked, resource: 'arn:aws:sqs:eu-west-1:1:mine-22' })).toBe(false);
    expect(allows([allow, { ...allow, Effect: 'Deny', Action: 'sqs:Send*' }], asked)).toBe(false);
    expect(allows([{ ...allow, Action: undefined, NotAction: 'sqs:SendMessage' }], asked)).toBe(false);
    expect(allows([], asked)).toBe(false);
  });

  test('a condition must hold; one on a key that is absent does so only where it may be', () => {
    const on = (operator: string, values: string | string[]) => ({
      ...allow,
      Condition: { [operator]: { key: values } },
    });
    const withKey = { ...asked, context: { key: 'value' } };
    expect(allows([on('StringEquals', ['other', 'value'])], withKey)).toBe(true);
    expect(allows([on('StringLike', 'va*')], withKey)).toBe(true);
    expect(allows([on('StringEquals', 'other')], withKey)).toBe(false);
    expect(allows([on('StringEquals', 'value')], asked)).toBe(false);
    expect(allows([on('StringEqualsIfExists', 'value')], asked)).toBe(true);
    expect(() => allows([on('IpAddress', '10.0.0.0/8')], asked)).toThrow('does not know the condition IpAddress');
  });
});
