import { Aws, Duration, RemovalPolicy, Stack, Validations } from 'aws-cdk-lib';
import type * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as logs from 'aws-cdk-lib/aws-logs';
import type * as sqs from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import {
  liveAlias,
  type StateAction,
  type StateMachineName,
  stateMachineVariables,
} from '../../lib/contract/deploy/route.ts';
import { type TableName, tableVariable } from '../../lib/contract/deploy/tables.ts';
import { type Grants, isOnExecutions } from '../grants.ts';
import type { Profile } from '../profiles.ts';
import type { Settings } from '../settings.ts';
import { addressIn } from '../settings-customers.ts';
import type { StageDatabase } from './database.ts';
import {
  busNameOf,
  edgeKeyOf,
  executionsArnOf,
  functionNameOf,
  logGroupNameOf,
  machineArnOf,
  machineNameOf,
  reportBucketOf,
} from './names.ts';
import type { Network } from './network.ts';
import type { Tables } from './tables.ts';
import { mayAsk, mayLoad, warehouseEnvironment } from './warehouse-rights.ts';

/** What all handlers of a stage have in common. */
export type StageContext = {
  settings: Settings;
  network: Network;
  database: StageDatabase;
  tables: Tables;
  /** The OpenID Connect issuer whose tokens are accepted. */
  issuer: string;
  /** The package of a handler, by its name. */
  codeOf: (handler: string) => lambda.Code;
  /** The policy that lets Lambda put a function into the network. */
  networkAccess: iam.IManagedPolicy;
};

export type HandlerFunctionProps = StageContext & {
  /** File under functions/, without its ending. */
  handler: string;
  description: string;
  grants: Grants;
  timeoutSeconds: number;
  memoryMb?: number;
  /** Besides the variables that the grants bring. */
  environment?: Record<string, string>;
  /** Replaces a log group of the function's own. */
  logGroup?: logs.LogGroup;
  /** Receives asynchronous invocations that failed for good. */
  failures?: sqs.IQueue;
  /** The most concurrent runs. */
  atOnce?: number;
  /** Versions of it outlive the next one, because executions that began with them call them. */
  keepsVersions?: true;
  /** Besides that of all functions in the network. */
  securityGroups?: ec2.ISecurityGroup[];
};

/**
 * One handler as a Lambda function, with a role of its own that has exactly its grants. It runs in the network only if it
 * has a database role. X-Ray traces it where the stage has traces; request and order ids join the logs anyway.
 */
export class HandlerFunction extends Construct {
  readonly function: lambda.Function;
  /** The name as plain text, so that another stack can name the function without a reference. */
  readonly functionName: string;

  constructor(scope: Construct, id: string, props: HandlerFunctionProps) {
    super(scope, id);
    const { settings, network, grants } = props;
    const { profile } = settings;
    const inNetwork = grants.databaseRole !== null;
    this.functionName = functionNameOf(profile.stage, props.handler);
    const logGroup = props.logGroup ?? handlerLog(this, 'Log', profile, props.handler);
    this.function = new lambda.Function(this, 'Function', {
      functionName: this.functionName,
      description: props.description,
      runtime: lambda.Runtime.NODEJS_24_X,
      architecture: lambda.Architecture.ARM_64,
      code: props.codeOf(props.handler),
      handler: 'index.handler',
      memorySize: props.memoryMb ?? 1024,
      timeout: Duration.seconds(props.timeoutSeconds),
      role: new iam.Role(this, 'Role', {
        assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com'),
        inlinePolicies: {
          handler: new iam.PolicyDocument({ statements: [writesTo(logGroup), ...statements(this, props)] }),
        },
        managedPolicies: inNetwork ? [props.networkAccess] : [],
      }),
      environment: { ...environment(this, props), ...props.environment },
      logGroup,
      loggingFormat: lambda.LoggingFormat.JSON,
      ...(props.keepsVersions ? { currentVersionOptions: { removalPolicy: RemovalPolicy.RETAIN } } : {}),
      ...(inNetwork
        ? {
            vpc: network.vpc,
            vpcSubnets: network.subnets,
            securityGroups: [network.handlers, ...(props.securityGroups ?? [])],
          }
        : {}),
      ...(props.atOnce !== undefined && profile.reservesConcurrency
        ? { reservedConcurrentExecutions: props.atOnce }
        : {}),
    });
    if (profile.traces) traced(this);
    if (grants.readsMetrics) acknowledgeMetrics(this);
    for (const [machine, actions] of statesOf(grants)) {
      if (actions.some(isOnExecutions)) acknowledgeExecutions(this, machineNameOf(profile.stage, machine));
    }
    if (grants.reportFiles !== undefined) acknowledgeFiles(this, profile.stage);
  }
}

/** CDK's own option would give the role a policy of its own, and a stack has room for 500 resources. */
function traced(handler: HandlerFunction): void {
  (handler.function.node.defaultChild as lambda.CfnFunction).tracingConfig = { mode: 'Active' };
  Validations.of(handler).acknowledge({
    id: 'AwsSolutions-IAM5[Resource::*]',
    reason: 'X-Ray has no resources to name: AWS documents "*".',
  });
}

/** The log group of a handler, or of handlers that share it. */
export const handlerLog = (scope: Construct, id: string, profile: Profile, handler: string): logs.LogGroup =>
  new logs.LogGroup(scope, id, {
    logGroupName: logGroupNameOf(profile.stage, handler),
    retention: profile.logDays,
    removalPolicy: profile.keeps ? RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE : RemovalPolicy.DESTROY,
  });

/** The log group of a handler that these settings leave out: one that was kept could not come again under its name. */
export const onlyLog = (scope: Construct, id: string, profile: Profile, handler: string): logs.LogGroup =>
  handlerLog(new Construct(scope, id), 'Log', profile, handler);

/** Lambda creates and names log streams, so a function may write to any stream of its group. */
export const writesTo = (group: logs.LogGroup): iam.PolicyStatement =>
  new iam.PolicyStatement({ actions: ['logs:CreateLogStream', 'logs:PutLogEvents'], resources: [group.logGroupArn] });

function statements(scope: Construct, props: HandlerFunctionProps) {
  const { grants, database, tables, settings } = props;
  const allowed: iam.PolicyStatement[] = [];
  const allow = (actions: string[], resource: string) =>
    allowed.push(new iam.PolicyStatement({ actions, resources: [resource] }));

  for (const role of [...(grants.databaseRole === null ? [] : [grants.databaseRole]), ...(grants.asks ?? [])]) {
    const { action, resource } = database.login(role);
    allow([action], resource);
  }
  for (const [table, actions] of Object.entries(grants.tables)) {
    allow(
      actions.map((action) => `dynamodb:${action}`),
      tables.byName[table as TableName].tableArn,
    );
  }
  for (const [machine, actions] of statesOf(grants)) {
    for (const action of actions) {
      const arnOf = isOnExecutions(action) ? executionsArnOf : machineArnOf;
      allow([`states:${action}`], arnOf(scope, settings.profile.stage, machine));
    }
  }
  if (grants.reportFiles !== undefined) {
    allow(
      grants.reportFiles.map((action) => `s3:${action}`),
      `arn:${Aws.PARTITION}:s3:::${reportBucketOf(scope, settings.profile.stage)}/${anyExport}`,
    );
  }
  if (settings.profile.traces) allow(['xray:PutTraceSegments', 'xray:PutTelemetryRecords'], '*');
  if (props.failures !== undefined) allow(['sqs:SendMessage'], props.failures.queueArn);
  if (grants.payments === 'stripe' && settings.payments.provider === 'stripe') {
    allow(['secretsmanager:GetSecretValue'], settings.payments.secretArn);
  }
  if (grants.webhook && settings.payments.provider === 'stripe') {
    allow(['secretsmanager:GetSecretValue'], settings.payments.webhookSecretArn);
  }
  if (grants.tells && settings.noticesSecretArn !== undefined) {
    allow(['secretsmanager:GetSecretValue'], settings.noticesSecretArn);
  }
  if (grants.readsMetrics && settings.metricsSecretArn !== undefined) {
    allow(['secretsmanager:GetSecretValue'], settings.metricsSecretArn);
    allow(['cloudwatch:ListMetrics', 'cloudwatch:GetMetricData'], '*');
  }
  if (grants.publishes.length > 0) allowed.push(publishes(scope, busNameOf(settings), grants.publishes));
  if (grants.mails && settings.mail !== undefined) allowed.push(sends(scope, settings.mail.from));
  if (settings.profile.warehouse && grants.warehouse !== undefined) {
    const { stage } = settings.profile;
    allowed.push(...(grants.warehouse === 'reads' ? mayAsk(scope, stage, 'reports') : mayLoad(scope, stage)));
  }
  return allowed;
}

/** Events of some sources, to the stage's own bus. */
const publishes = (scope: Construct, resourceName: string, sources: readonly string[]) =>
  new iam.PolicyStatement({
    actions: ['events:PutEvents'],
    resources: [Stack.of(scope).formatArn({ service: 'events', resource: 'event-bus', resourceName })],
    conditions: { StringEquals: { 'events:source': sources } },
  });

/** For SES the identity is the address if it is verified itself, or else its domain. */
function sends(scope: Construct, from: string): iam.PolicyStatement {
  const address = addressIn(from);
  return new iam.PolicyStatement({
    actions: ['ses:SendEmail'],
    resources: [address, address.slice(address.lastIndexOf('@') + 1)].map((resourceName) =>
      Stack.of(scope).formatArn({ service: 'ses', resource: 'identity', resourceName }),
    ),
    conditions: { StringEquals: { 'ses:FromAddress': address } },
  });
}

const statesOf = ({ states }: Grants) => Object.entries(states) as [StateMachineName, readonly StateAction[]][];

function acknowledgeExecutions(handler: HandlerFunction, machineName: string): void {
  const executions = `arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>:execution:${machineName}:*`;
  Validations.of(handler).acknowledge({
    id: `AwsSolutions-IAM5[Resource::${executions}]`,
    reason: 'Executions are named after orders and refunds: the handler may read any of this state machine.',
  });
}

function acknowledgeMetrics(handler: HandlerFunction): void {
  Validations.of(handler).acknowledge({
    id: 'AwsSolutions-IAM5[Resource::*]',
    reason: 'CloudWatch has no resources for metrics that are read: AWS documents "*".',
  });
}

const anyExport = 'exports/*';

function acknowledgeFiles(handler: HandlerFunction, stage: string): void {
  const bucket = `counterfoil-${stage}-reports-<AWS::AccountId>-<AWS::Region>`;
  Validations.of(handler).acknowledge({
    id: `AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:s3:::${bucket}/${anyExport}]`,
    reason: 'Files are named after exports: the handler may work with any of this bucket.',
  });
}

function environment(scope: Construct, props: HandlerFunctionProps): Record<string, string> {
  const { grants, database, tables, settings } = props;
  const { payments } = settings;
  return {
    STAGE: settings.profile.stage,
    ...(grants.databaseRole === null ? {} : database.environment),
    ...(grants.readsReader ? database.readerEnvironment : {}),
    // Also of who takes what becomes a file.
    ...(grants.reportFiles !== undefined || grants.databaseRole === 'reports_api'
      ? { REPORT_FILES_BUCKET: reportBucketOf(scope, settings.profile.stage) }
      : {}),
    ...Object.fromEntries(
      (Object.keys(grants.tables) as TableName[]).map((name) => [tableVariable(name), tables.byName[name].tableName]),
    ),
    ...Object.fromEntries(
      statesOf(grants)
        // A task token alone says which execution it belongs to.
        .filter(([, actions]) => actions.some((action) => action !== 'SendTaskSuccess'))
        .map(([name]) => [stateMachineVariables[name], machineArnOf(scope, settings.profile.stage, name)]),
    ),
    ...(statesOf(grants).some(([, actions]) => actions.includes('StartExecution'))
      ? { STATE_MACHINE_ALIAS: liveAlias }
      : {}),
    ...(grants.payments === null ? {} : { PAYMENT_PROVIDER: grants.payments }),
    ...(grants.payments === 'stripe' && payments.provider === 'stripe'
      ? { STRIPE_SECRET_ARN: payments.secretArn }
      : {}),
    ...(grants.webhook && payments.provider === 'stripe'
      ? { STRIPE_WEBHOOK_SECRET_ARN: payments.webhookSecretArn }
      : {}),
    ...(grants.tells && settings.noticesSecretArn !== undefined
      ? { NOTICES_SECRET_ARN: settings.noticesSecretArn }
      : {}),
    ...(grants.readsMetrics && settings.metricsSecretArn !== undefined
      ? { METRICS_SECRET_ARN: settings.metricsSecretArn }
      : {}),
    ...(grants.tables.issuerKeys === undefined ? {} : { IDENTITY_ISSUER: props.issuer }),
    ...(grants.publishes.length > 0 ? { EVENT_BUS_NAME: busNameOf(settings) } : {}),
    ...(grants.mails && settings.mail !== undefined ? { MAIL_FROM: settings.mail.from } : {}),
    ...(grants.databaseRole === 'customers_api' ? settings.accounts : {}),
    ...(grants.tables.cache?.includes('BatchGetItem') && settings.catalogMaxAge !== undefined
      ? { EDGE_KEY: edgeKeyOf(settings.profile.stage) }
      : {}),
    ...(settings.profile.warehouse && grants.warehouse !== undefined
      ? warehouseEnvironment(scope, settings.profile.stage)
      : {}),
    ...settings.variables,
  };
}
