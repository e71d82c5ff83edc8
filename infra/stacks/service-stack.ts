import { CfnOutput, Stack, type StackProps, Validations } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';
import { AccessRecords } from '../constructs/access-records.ts';
import type { Surroundings } from '../constructs/handler-function.ts';
import { HttpApi } from '../constructs/http-api.ts';
import { Migrations } from '../constructs/migrations.ts';
import { OrderSaga } from '../constructs/order-saga.ts';
import type { Parts } from '../constructs/monitored-resources.ts';
import { Schedules } from '../constructs/schedules.ts';
import type { Settings } from '../profiles.ts';
import type { DataStack } from './data-stack.ts';

export type ServiceStackProps = StackProps & {
  settings: Settings;
  data: DataStack;
  /** The package of a door, by its name. */
  codeOf: (door: string) => lambda.Code;
};

/** What serves: functions, HTTP API, saga, schedules. Holds nothing that cannot be made again. */
export class ServiceStack extends Stack {
  /** What there is to watch. */
  readonly parts: Parts;

  constructor(scope: Construct, id: string, { settings, data, codeOf, ...props }: ServiceStackProps) {
    super(scope, id, props);
    const { network, database, tables, identity } = data;
    const surroundings: Surroundings = {
      settings,
      network,
      database,
      tables,
      issuer: identity.issuer,
      codeOf,
      networkAccess: networkAccess(this),
    };

    const migrations = new Migrations(this, 'Migrations', surroundings);
    const saga = new OrderSaga(this, 'OrderSaga', surroundings);
    const { stateMachine } = saga;
    const http = new HttpApi(this, 'Http', { surroundings, stateMachine });
    const schedules = new Schedules(this, 'Schedules', { surroundings, stateMachine });

    const records = new AccessRecords(this, 'AccessRecords', { surroundings, from: http.logGroup });

    const doors = [...saga.doors, ...http.doors, ...Object.values(schedules.doors), ...Object.values(records.doors)];
    migrations.before(doors.map((door) => door.function));

    this.parts = {
      stage: settings.profile.name,
      apiId: http.api.apiId,
      stateMachineArn: stateMachine.stateMachineArn,
      cluster: database.cluster.clusterIdentifier,
      writer: database.cluster.instanceIdentifiers[0]!,
      proxy: database.proxy.dbProxyName,
      tables: Object.fromEntries(Object.entries(tables.byName).map(([name, table]) => [name, table.tableName])),
      deadLetters: schedules.deadLetters.queueName,
      undeliveredAccesses: records.undelivered.queueName,
      recordAccess: records.doors['record-access']!.functionName,
      httpLog: http.logGroup.logGroupName,
      jobs: Object.fromEntries(Object.entries(schedules.doors).map(([name, door]) => [name, door.functionName])),
      doors: Object.fromEntries(doors.map((door) => [door.node.id, door.functionName])),
    };

    new CfnOutput(this, 'BaseUrl', { value: http.api.apiEndpoint });
    new CfnOutput(this, 'StateMachine', { value: stateMachine.stateMachineArn });
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
