import { describe, expect, test } from 'vitest';
import { consumers } from '../../functions/consumers.ts';
import { isScheduled, jobs } from '../../functions/jobs.ts';
import { routes } from '../../functions/routes.ts';
import { steps } from '../../functions/steps.ts';
import { streams } from '../../functions/streams.ts';
import { patternOf } from '../../infra/events.ts';
import { grantsOf, type Handler, isOnExecutions, stands } from '../../infra/grants.ts';
import { profiles } from '../../infra/profiles.ts';
import { contextOf } from '../../infra/stacks/http-stack.ts';
import { databaseRoles } from '../../lib/contract/deploy/roles.ts';
import { outboxDue, outboxSource } from '../../lib/contract/events/define-event.ts';
import { definitions, stepOf } from '../support/definitions.ts';
import {
  functionOf,
  ofType,
  roleOf,
  type Statement,
  stacksOf,
  statementsOf,
  stripeSecret,
  synthesized,
  type Template,
  webhookSecret,
} from './synthesized.ts';

const stages = { dev: synthesized('dev'), prod: synthesized('prod') };
const providers = { dev: 'simulated', prod: 'stripe' } as const;

const handlersOf = (stage: 'dev' | 'prod'): Handler[] => [
  ...Object.values(routes)
    .filter(({ provider = providers[stage] }) => provider === providers[stage])
    .map((row) => ({ kind: 'http', row }) as const),
  ...Object.values(steps).map((row) => ({ kind: 'step', row }) as const),
  // What restore tests start stands in a stack of its own, with its own tests.
  ...Object.values(jobs)
    .filter((job) => job.schedule !== 'on-restore' && stands(job, profiles[stage]))
    .map((row) => ({ kind: 'job', row }) as const),
  ...Object.values(streams).map((row) => ({ kind: 'stream', row }) as const),
  ...Object.values(consumers).map((row) => ({ kind: 'consumer', row }) as const),
];

/** Every wildcard in a policy of ours, and why it is there. */
const explained: { where?: RegExp; action: RegExp; resource: RegExp; because: string }[] = [
  {
    where: /^NetworkVpc/,
    action: /^(dynamodb|s3|states|ses|events|athena):\*$/,
    resource: /^"\*"$/,
    because: 'the policy of an endpoint grants nothing; it refuses resources of other accounts, by its condition',
  },
  {
    action:
      /^ec2:(CreateNetworkInterface|Describe(NetworkInterfaces|Subnets)|DeleteNetworkInterface|(Una|A)ssignPrivateIpAddresses)$/,
    resource: /^"\*"$/,
    because: 'Lambda makes the interfaces of functions in the network, and checks for these rights on "*".',
  },
  {
    action:
      /^logs:(Create|Get|Update|Delete)LogDelivery$|^logs:(ListLogDeliveries|PutResourcePolicy|DescribeResourcePolicies|DescribeLogGroups)$/,
    resource: /^"\*"$/,
    because: 'Log delivery of Step Functions has no resources to name.',
  },
  {
    action: /^s3:(Get|Put)Object$/,
    resource: /:s3:::counterfoil-\w+-reports-.*\/exports\/\*"/,
    because: 'Files are named after exports: any of the one bucket.',
  },
  {
    where: /^ReportFiles/,
    action: /^s3:\*$/,
    resource: /ReportFilesBucket/,
    because: 'The bucket’s own policy only denies: what comes without TLS.',
  },
  {
    action: /^xray:/,
    resource: /^"\*"$/,
    because: 'X-Ray has no resources to name.',
  },
  {
    action: /^states:(DescribeExecution|GetExecutionHistory)$/,
    resource: /:execution:counterfoil-\w+-order-(placing|compensating|capturing|refunding):\*"/,
    because: 'Executions are named after orders and refunds: any of the one state machine.',
  },
  {
    where: /^OrderSaga\w+Role/,
    action: /^lambda:InvokeFunction$/,
    resource: /^\{"Fn::Join":\["",\[\{"Fn::GetAtt":\["OrderSaga\w+Function\w+","Arn"\]\},":\*"\]\]\}$/,
    because: 'Executions under way call the versions of their steps that they began with.',
  },
  {
    action: /^(s3:\w+|glue:\w+)$/,
    resource:
      /-warehouse-.*\/(data|links|manifests|results\/(reports|analysts))\/\*"|:table\/counterfoil_(dev|prod)\/\*"/,
    because: 'Files are named by their content and tables by the schema: the rights are on all below one name.',
  },
  {
    where: /BucketPolicy/,
    action: /^s3:(DeleteObject\*|GetBucket\*|List\*|PutBucketPolicy)$/,
    resource: /^\{"Fn::(GetAtt|Join)":.*"(ReportFiles|Warehouse)Bucket\w+"/,
    because:
      'Where nothing is kept, a function of CDK empties a bucket before it is deleted; these are the rights that CDK gives it.',
  },
  {
    where: /CanaryRole/,
    action: /^cloudwatch:DescribeAlarms$/,
    resource: /^"\*"$/,
    because: 'DescribeAlarms takes a list of alarms and has no resources to name.',
  },
  {
    where: /^RestoreTests/,
    action: /^rds-db:connect$/,
    resource: /:dbuser:cluster-\*\/monitor"/,
    because: 'The id of a restored copy is known only when it is there; security groups let it reach copies alone.',
  },
  {
    where: /^RestoreTests/,
    action: /^rds:((Create|Delete)DBInstance|DescribeDBInstances)$/,
    resource: /:(cluster|db):awsbackup-restore-test-\*"/,
    because: 'What restore tests make has names of this form, and nothing else has.',
  },
  {
    where: /^RestoreTests/,
    action: /^backup:PutRestoreValidationResult$/,
    resource: /^"\*"$/,
    because: 'Restore jobs are no resources to name.',
  },
  {
    where: /^VaultF?/,
    action: /^backup:/,
    resource: /^"\*"$/,
    because: 'In a vault’s own policy "*" is what the vault holds, and the policy only denies.',
  },
  {
    action: /^kms:/,
    resource: /^"\*"$/,
    because: 'In a key’s own policy "*" is the key.',
  },
];

describe.each(['dev', 'prod'] as const)('%s', (stage) => {
  const { data, service } = stages[stage];

  test('no policy holds a wildcard that is not explained', () => {
    const unexplained = stacksOf(stages[stage])
      .flatMap(([, template]) => allStatements(template))
      .flatMap(({ where, statement }) =>
        statement.Action.flatMap((action) =>
          statement.Resource.map((resource) => JSON.stringify(resource))
            .filter((resource) => action.includes('*') || resource.includes('*'))
            .filter(
              (resource) =>
                !explained.some(
                  (one) => (one.where?.test(where) ?? true) && one.action.test(action) && one.resource.test(resource),
                ),
            )
            .map((resource) => `${where}: ${action} on ${resource}`),
        ),
      );
    expect(unexplained).toEqual([]);
  });

  test('a function may do what its row of the tables says, and nothing else', () => {
    for (const handler of handlersOf(stage)) {
      const [, fn] = functionOf(service, stage, handler.row.handler);
      const own = statementsOf(service, roleOf(fn))
        .flatMap(({ Action, Resource }) => Action.flatMap((action) => Resource.map((on) => `${action} ${target(on)}`)))
        .filter((line) => !/^(ec2|logs):/.test(line))
        .toSorted();
      expect(own, handler.row.handler).toEqual(expected(handler, providers[stage]).toSorted());
    }
  });

  test('a function writes to its log group alone', () => {
    for (const handler of handlersOf(stage)) {
      const [, fn] = functionOf(service, stage, handler.row.handler);
      const logs = statementsOf(service, roleOf(fn)).filter(({ Action }) => Action.some((a) => a.startsWith('logs:')));
      expect(logs).toEqual([
        expect.objectContaining({
          Action: ['logs:CreateLogStream', 'logs:PutLogEvents'],
          Resource: [{ 'Fn::GetAtt': [fn.Properties.LoggingConfig.LogGroup.Ref, 'Arn'] }],
        }),
      ]);
    }
  });

  test('a function with a database role is in the network, and any other is outside and may not be put there', () => {
    for (const handler of handlersOf(stage)) {
      const [, fn] = functionOf(service, stage, handler.row.handler);
      const inside = handler.row.databaseRole !== null;
      const interfaces = statementsOf(service, roleOf(fn)).some(({ Action }) =>
        Action.some((a) => a.startsWith('ec2:')),
      );
      expect(fn.Properties.VpcConfig !== undefined, handler.row.handler).toBe(inside);
      expect(interfaces, handler.row.handler).toBe(inside);
      expect(fn.Properties.Environment?.Variables?.DATABASE_HOST !== undefined, handler.row.handler).toBe(inside);
    }
  });

  test('a function logs in through the proxy, by the id that its ARN ends with', () => {
    const [, fn] = functionOf(service, stage, 'http/place-order');
    const [connect] = statementsOf(service, roleOf(fn)).filter(({ Action }) => Action[0] === 'rds-db:connect');
    const text = JSON.stringify(connect!.Resource);
    expect(text).toMatch(
      /:dbuser:",\{"Fn::Select":\[6,\{"Fn::Split":\[":",\{"Fn::ImportValue":"[^"]*DatabaseProxy\w+DBProxyArn/,
    );
    expect(text).toMatch(/"\/orders_api"\]\]/);
  });

  test('the proxy’s own role may log in to the database as each login role', () => {
    const [, proxy] = ofType(data, 'AWS::RDS::DBProxy')[0]!;
    const statements = statementsOf(data, proxy.Properties.RoleArn['Fn::GetAtt'][0]);
    expect(statements).toHaveLength(1);
    expect(statements[0]!.Action).toEqual(['rds-db:connect']);
    const users = statements[0]!.Resource.map((resource) => JSON.stringify(resource));
    expect(users).toHaveLength(databaseRoles.length);
    for (const role of databaseRoles) {
      const [user] = users.filter((text) => text.includes(`"/${role}"`));
      expect(user).toMatch(/:dbuser:",\{"Fn::GetAtt":\["DatabaseCluster\w+","DBClusterResourceId"\]\}/);
    }
  });

  test('a state machine may call each version of the functions of its steps and nothing else', () => {
    const machines = ofType(service, 'AWS::StepFunctions::StateMachine');
    for (const [name, { States }] of Object.entries(definitions)) {
      const [, machine] = machines.find(([, each]) => each.Properties.StateMachineName.endsWith(`-${name}`))!;
      const role = machine.Properties.RoleArn['Fn::GetAtt'][0];
      const [invoke, ...others] = statementsOf(service, role).filter(({ Action }) => Action[0]!.startsWith('lambda:'));
      expect(others, name).toEqual([]);
      expect(invoke!.Action, name).toEqual(['lambda:InvokeFunction']);
      const used = new Set(Object.values(States).map(stepOf));
      const expectedIds = Object.values(steps)
        .filter((step) => used.has(step.name))
        .map(({ handler }) => functionOf(service, stage, handler)[0])
        .toSorted();
      expect(invoke!.Resource, name).toEqual(
        expectedIds.map((id) => ({ 'Fn::Join': ['', [{ 'Fn::GetAtt': [id, 'Arn'] }, ':*']] })),
      );
    }
  });

  test('the HTTP API may call the functions of its routes and no other', () => {
    const integrations = ofType(service, 'AWS::ApiGatewayV2::Integration').map(([, { Properties }]) => Properties);
    const callers = Object.groupBy(integrations, ({ CredentialsArn }) => CredentialsArn['Fn::GetAtt'][0]);
    expect(Object.keys(callers)).toHaveLength(new Set(Object.values(contextOf)).size);
    for (const [role, called = []] of Object.entries(callers)) {
      expect(service.Resources[role]!.Properties.AssumeRolePolicyDocument.Statement).toEqual([
        { Action: 'sts:AssumeRole', Effect: 'Allow', Principal: { Service: 'apigateway.amazonaws.com' } },
      ]);
      const [invoke, ...others] = statementsOf(service, role);
      expect(others).toEqual([]);
      expect(invoke!.Action).toEqual(['lambda:InvokeFunction']);
      expect(ids(invoke!.Resource)).toEqual(ids(called.map(({ IntegrationUri }) => IntegrationUri)));
    }
    const forHttp = ofType(service, 'AWS::Lambda::Permission').filter(
      ([, { Properties }]) => !['logs.amazonaws.com', 'events.amazonaws.com'].includes(Properties.Principal),
    );
    expect(forHttp).toEqual([]);
  });

  test('a schedule may start its own job and queue what it could not start', () => {
    const schedules = ofType(service, 'AWS::Scheduler::Schedule');
    expect(schedules).toHaveLength(
      Object.values(jobs).filter((job) => isScheduled(job) && stands(job, profiles[stage])).length,
    );
    for (const [, { Properties }] of schedules) {
      const statements = statementsOf(service, Properties.Target.RoleArn['Fn::GetAtt'][0]);
      expect(statements.map(({ Action, Resource }) => [Action, Resource])).toEqual([
        [['lambda:InvokeFunction'], [Properties.Target.Arn]],
        [['sqs:SendMessage'], [Properties.Target.DeadLetterConfig.Arn]],
      ]);
    }
  });

  test('the one log group of all HTTP handlers, and no other, leads to the record of accesses', () => {
    const [recorder] = functionOf(service, stage, streams['record-access'].handler);
    const groupOf = ({ row }: Handler) =>
      functionOf(service, stage, row.handler)[1].Properties.LoggingConfig.LogGroup.Ref;
    const groups = new Set(
      handlersOf(stage)
        .filter(({ kind }) => kind === 'http')
        .map(groupOf),
    );
    const others = handlersOf(stage)
      .filter(({ kind }) => kind !== 'http')
      .map(groupOf);
    expect(groups.size).toBe(1);
    const [group] = groups;
    expect(others).not.toContain(group);
    expect(service.Resources[group]!.Properties.LogGroupName).toBe(`/counterfoil/${stage}/http`);
    const filters = ofType(service, 'AWS::Logs::SubscriptionFilter').map(([, { Properties }]) => Properties);
    expect(filters).toEqual([
      {
        FilterName: 'record-access',
        LogGroupName: { Ref: group },
        FilterPattern: '{ $.accessId = "acc_*" }',
        DestinationArn: { 'Fn::GetAtt': [recorder, 'Arn'] },
      },
    ]);
    const permissions = ofType(service, 'AWS::Lambda::Permission')
      .map(([, { Properties }]) => Properties)
      .filter(({ Principal }) => Principal === 'logs.amazonaws.com');
    expect(permissions).toEqual([
      {
        Action: 'lambda:InvokeFunction',
        FunctionName: { 'Fn::GetAtt': [recorder, 'Arn'] },
        Principal: 'logs.amazonaws.com',
        SourceAccount: { Ref: 'AWS::AccountId' },
        SourceArn: { 'Fn::GetAtt': [group, 'Arn'] },
      },
    ]);
  });

  test('a rule starts its own function alone: a consumer by its events, the publisher by sagas and handlers', () => {
    const rules = ofType(service, 'AWS::Events::Rule');
    const own = Object.values(consumers);
    expect(rules).toHaveLength(own.length + 2);
    const permissions = ofType(service, 'AWS::Lambda::Permission')
      .map(([, { Properties }]) => Properties)
      .filter(({ Principal }) => Principal === 'events.amazonaws.com');
    for (const [id, { Properties }] of rules) {
      const [{ Arn: arn }] = Properties.Targets;
      expect(permissions.filter(({ SourceArn }) => SourceArn['Fn::GetAtt'][0] === id)).toEqual([
        {
          Action: 'lambda:InvokeFunction',
          FunctionName: arn,
          Principal: 'events.amazonaws.com',
          SourceAccount: { Ref: 'AWS::AccountId' },
          SourceArn: { 'Fn::GetAtt': [id, 'Arn'] },
        },
      ]);
    }
    const [publisher] = functionOf(service, stage, jobs['publish-events'].handler);
    const woken = rules
      .map(([, { Properties }]) => Properties)
      .filter(({ Targets }) => Targets[0].Arn['Fn::GetAtt'][0] === publisher);
    expect(woken).toHaveLength(2);
    const [byHandlers, bySagas] = woken.toSorted(
      (a, b) => (a.EventPattern.detail ? 1 : 0) - (b.EventPattern.detail ? 1 : 0),
    );
    expect(byHandlers.EventPattern).toEqual({ source: [outboxSource], 'detail-type': [outboxDue] });
    expect(bySagas.EventPattern.detail.stateMachineArn).toHaveLength(4);
    for (const row of own) {
      const [consumer] = functionOf(service, stage, row.handler);
      const mine = rules
        .map(([, { Properties }]) => Properties)
        .filter(({ Targets }) => Targets[0].Arn['Fn::GetAtt'][0] === consumer);
      expect(mine[0].State, 'only prod is synthesized with mails about orders').toBe(
        row.when === undefined || stage === 'prod' ? 'ENABLED' : 'DISABLED',
      );
      expect(mine.map(({ EventPattern }) => EventPattern)).toEqual([patternOf(row)]);
      expect(mine[0].Targets[0].DeadLetterConfig).toBeDefined();
    }
  });

  test('no role carries a policy of Amazon’s, but for that of AWS Backup and, where nothing is kept, of what empties buckets', () => {
    for (const [stack, template] of stacksOf(stages[stage])) {
      for (const [id, { Properties }] of ofType(template, 'AWS::IAM::Role')) {
        const foreign = (Properties.ManagedPolicyArns ?? []).filter(
          (arn: { Ref?: string; 'Fn::ImportValue'?: string }) =>
            arn.Ref === undefined && arn['Fn::ImportValue'] === undefined,
        );
        const ofCdk = /^CustomS3AutoDeleteObjects/.test(id);
        expect(foreign.length, id).toBe(stack === 'backup' && /^Role/.test(id) ? 2 : ofCdk && stage === 'dev' ? 1 : 0);
      }
    }
  });
});

/** What a role's statement is about, in short: the table, the login role, or the state machine. */
function target(resource: unknown): string {
  const text = JSON.stringify(resource);
  const table = /\bExportsOutputFnGetAttTables(\w+?)[0-9A-F]{8}Arn/.exec(text)?.[1];
  const login = /"\/(\w+)"\]\]/.exec(text)?.[1];
  if (/"(AccessRecords|Events)Undelivered\w+","Arn"/.test(text)) return 'undelivered';
  const bus = /:(event-bus\/counterfoil-\w+)"/.exec(text)?.[1];
  if (bus !== undefined) return bus;
  if (table !== undefined) return table;
  const sender = /:(identity\/[^"]+)"/.exec(text)?.[1];
  if (sender !== undefined) return sender;
  if (text.includes(':dbuser:')) return `login ${login}`;
  const [, kind, machine] = /:(execution|stateMachine):counterfoil-(?:dev|prod)-order-(\w+)/.exec(text) ?? [];
  if (machine !== undefined) return `${kind} ${machine}`;
  if (/:s3:::counterfoil-(dev|prod)-reports-.*\/exports\/\*"/.test(text)) return 'files';
  const path = /:s3:::counterfoil-prod-warehouse-/.test(text) ? /"\/([^"]+)"\]\]/.exec(text)?.[1] : undefined;
  if (path !== undefined) return `bucket/${path}`;
  if (text.includes(':s3:::')) return 'bucket';
  const named = /:(catalog|(?:database|table)\/counterfoil_prod(?:\/\*)?|workgroup\/[\w-]+)"/.exec(text)?.[1];
  if (named !== undefined) return named;
  return text;
}

function expected(handler: Handler, provider: 'simulated' | 'stripe'): string[] {
  const grants = grantsOf(handler, provider);
  return [
    ...(grants.databaseRole === null ? [] : [`rds-db:connect login ${grants.databaseRole}`]),
    ...(grants.asks ?? []).map((role) => `rds-db:connect login ${role}`),
    ...Object.entries(grants.tables).flatMap(([table, actions]) =>
      actions.map((action) => `dynamodb:${action} ${table[0]!.toUpperCase()}${table.slice(1)}`),
    ),
    ...Object.entries(grants.states).flatMap(([machine, actions]) =>
      actions.map((action) => `states:${action} ${isOnExecutions(action) ? 'execution' : 'stateMachine'} ${machine}`),
    ),
    ...(grants.reportFiles ?? []).map((action) => `s3:${action} files`),
    ...(handler.kind === 'stream' || handler.kind === 'consumer' ? ['sqs:SendMessage undelivered'] : []),
    ...(grants.publishes.length > 0
      ? [`events:PutEvents event-bus/counterfoil-${provider === 'stripe' ? 'prod' : 'dev'}`]
      : []),
    ...(grants.payments === 'stripe' ? [`secretsmanager:GetSecretValue "${stripeSecret}"`] : []),
    ...(grants.mails && provider === 'stripe'
      ? ['ses:SendEmail identity/shop@example.com', 'ses:SendEmail identity/example.com']
      : []),
    ...(provider === 'stripe' ? onWarehouse(grants.warehouse) : []),
    ...(grants.webhook ? [`secretsmanager:GetSecretValue "${webhookSecret}"`] : []),
  ];
}

/** In `prod`. */
function onWarehouse(does: 'reads' | 'writes' | undefined): string[] {
  const on = (actions: string[], ...targets: string[]) =>
    actions.flatMap((action) => targets.map((one) => `${action} ${one}`));
  const written = ['key', 'lease.json', 'current.json', 'manifests/*', 'links/*', 'data/*'];
  if (does === 'writes')
    return [
      ...on(['s3:GetObject', 's3:PutObject', 's3:DeleteObject'], ...written.map((path) => `bucket/${path}`)),
      's3:ListBucket bucket',
    ];
  if (does === undefined) return [];
  return [
    ...on(
      ['StartQueryExecution', 'GetQueryExecution', 'GetQueryResults', 'StopQueryExecution'].map(
        (one) => `athena:${one}`,
      ),
      'workgroup/counterfoil-prod-reports',
    ),
    ...on(
      ['glue:GetDatabase', 'glue:GetTable', 'glue:GetTables', 'glue:GetPartitions'],
      'catalog',
      'database/counterfoil_prod',
      'table/counterfoil_prod/*',
    ),
    ...on(
      ['s3:GetObject'],
      ...['current.json', 'links/*', 'data/*', 'results/reports/*'].map((path) => `bucket/${path}`),
    ),
    ...on(['s3:PutObject', 's3:AbortMultipartUpload'], 'bucket/results/reports/*'),
    ...on(['s3:ListBucket', 's3:GetBucketLocation'], 'bucket'),
  ];
}

/** The logical ids that these refer to, sorted. */
const ids = (references: unknown[]): string[] =>
  references
    .map((reference) => reference as { 'Fn::GetAtt'?: string[]; Ref?: string })
    .map((reference) => reference['Fn::GetAtt']?.[0] ?? reference.Ref!)
    .toSorted();

/** Everything that allows: policies of roles, and of queues, topics and keys. */
function allStatements(template: Template): { where: string; statement: Statement }[] {
  const found: { where: string; statement: Statement }[] = [];
  for (const [where, { Type, Properties }] of Object.entries(template.Resources)) {
    if (Type === 'AWS::IAM::Role') {
      found.push(...statementsOf(template, where).map((statement) => ({ where, statement })));
    }
    const document = Type === 'AWS::IAM::Role' ? undefined : (Properties?.PolicyDocument ?? Properties?.KeyPolicy);
    for (const statement of document?.Statement ?? []) {
      found.push({
        where,
        statement: { ...statement, Action: [statement.Action].flat(), Resource: [statement.Resource].flat() },
      });
    }
  }
  return found.filter(({ statement }) => statement.Effect === 'Allow');
}
