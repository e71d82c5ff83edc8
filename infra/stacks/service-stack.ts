import { CfnOutput, Stack, type StackProps, Validations } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';
import { stateMachines } from '../../lib/contract/deploy/route.ts';
import { AccessRecords } from '../constructs/access-records.ts';
import type { StageContext } from '../constructs/handler-function.ts';
import { HttpApi } from '../constructs/http-api.ts';
import { Migrations } from '../constructs/migrations.ts';
import type { MonitoredResources } from '../constructs/monitored-resources.ts';
import { machineArnOf, pascal } from '../constructs/names.ts';
import { OrderSaga } from '../constructs/order-saga.ts';
import { Schedules } from '../constructs/schedules.ts';
import type { Settings } from '../profiles.ts';
import type { DataStack } from './data-stack.ts';

export type ServiceStackProps = StackProps & {
  settings: Settings;
  data: DataStack;
  /** The package of a handler, by its name. */
  codeOf: (handler: string) => lambda.Code;
};

/** What serves: functions, HTTP API, saga, schedules. Holds nothing that cannot be made again. */
export class ServiceStack extends Stack {
  /** What there is to watch. */
  readonly resources: MonitoredResources;

  constructor(scope: Construct, id: string, { settings, data, codeOf, ...props }: ServiceStackProps) {
    super(scope, id, props);
    const { network, database, tables, identity } = data;
    const context: StageContext = {
      settings,
      network,
      database,
      tables,
      issuer: identity.issuer,
      codeOf,
      networkAccess: networkAccess(this),
    };

    const migrations = new Migrations(this, 'Migrations', context);
    const saga = new OrderSaga(this, 'OrderSaga', context);
    const http = new HttpApi(this, 'Http', { context });
    const schedules = new Schedules(this, 'Schedules', { context });

    const records = new AccessRecords(this, 'AccessRecords', { context, from: http.logGroup });

    const handlers = [
      ...saga.handlers,
      ...http.handlers,
      ...Object.values(schedules.handlers),
      ...Object.values(records.handlers),
    ];
    migrations.before(handlers.map((handler) => handler.function));

    this.resources = {
      stage: settings.profile.name,
      apiId: http.api.apiId,
      // Made from names, so that what watches imports nothing of the state machines.
      stateMachines: Object.fromEntries(
        stateMachines.map((name) => [name, machineArnOf(this, settings.profile.name, name)]),
      ) as MonitoredResources['stateMachines'],
      cluster: database.cluster.clusterIdentifier,
      writer: database.cluster.instanceIdentifiers[0]!,
      proxy: database.proxy.dbProxyName,
      tables: Object.fromEntries(Object.entries(tables.byName).map(([name, table]) => [name, table.tableName])),
      deadLetters: schedules.deadLetters.queueName,
      undeliveredAccesses: records.undelivered.queueName,
      recordAccess: records.handlers['record-access']!.functionName,
      httpLog: http.logGroup.logGroupName,
      jobs: Object.fromEntries(
        Object.entries(schedules.handlers).map(([name, handler]) => [name, handler.functionName]),
      ),
      handlers: Object.fromEntries(handlers.map((handler) => [handler.node.id, handler.functionName])),
    };

    new CfnOutput(this, 'BaseUrl', { value: http.api.apiEndpoint });
    for (const [name, machine] of Object.entries(saga.machines)) {
      new CfnOutput(this, `${pascal(name)}StateMachine`, { value: machine.stateMachineArn });
    }
    new CfnOutput(this, 'DeadLetters', { value: schedules.deadLetters.queueUrl });
    new CfnOutput(this, 'UndeliveredAccesses', { value: records.undelivered.queueUrl });
  }
}

/** What Lambda needs to give a function a network interface; AWS's own policy of this kind allows the same and logs. */
function networkAccess(scope: Construct): iam.ManagedPolicy {
  const policy = new iam.ManagedPolicy(scope, 'NetworkAccess', {
    description: 'Lets Lambda put functions into the network',
    document: new iam.PolicyDocument({
      statements: [
        new iam.PolicyStatement({
          actions: [
            'ec2:CreateNetworkInterface',
            'ec2:DescribeNetworkInterfaces',
            'ec2:DescribeSubnets',
            'ec2:DeleteNetworkInterface',
            'ec2:AssignPrivateIpAddresses',
            'ec2:UnassignPrivateIpAddresses',
          ],
          resources: ['*'],
        }),
      ],
    }),
  });
  Validations.of(policy).acknowledge({
    id: 'AwsSolutions-IAM5[Resource::*]',
    reason:
      'Interfaces are made by Lambda and have no names beforehand; Lambda checks for exactly these rights on "*".',
  });
  return policy;
}
