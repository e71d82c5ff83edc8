import { readFileSync } from 'node:fs';
import { ArnFormat, Fn, RemovalPolicy, Stack, Validations } from 'aws-cdk-lib';
import * as backup from 'aws-cdk-lib/aws-backup';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as events from 'aws-cdk-lib/aws-events';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as logs from 'aws-cdk-lib/aws-logs';
import type * as rds from 'aws-cdk-lib/aws-rds';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { jobs } from '../../functions/jobs.ts';
import { grantsOf } from '../grants.ts';
import { HandlerFunction, type StageContext } from './handler-function.ts';

type Props = { context: StageContext; cluster: rds.DatabaseCluster; vault: backup.IBackupVault; restores: iam.IRole };

/** AWS Backup names what its restore tests make, and nothing else, so. */
const madeByTests = 'awsbackup-restore-test-*';

/**
 * Restores the newest backup of the database each week, checks the invariants on every row of the copy, and tells AWS Backup and
 * the shop what was found. A state machine gives the copy an instance, has it checked by a function in the network, and
 * removes the instance; AWS Backup removes the rest.
 */
export class RestoreTests extends Construct {
  readonly handler: HandlerFunction;
  readonly stateMachineName: string;

  constructor(scope: Construct, id: string, { context, cluster, vault, restores }: Props) {
    super(scope, id);
    const { stage: name } = context.settings.profile;
    this.stateMachineName = `counterfoil-${name}-restore-test`;
    const copies = this.#group(context, 'Copies', 'databases that restore tests have made');
    const checker = this.#group(context, 'Checker', 'the function that checks restored databases');
    copies.addIngressRule(checker, ec2.Port.tcp(5432), 'the check of a restored database');
    checker.addEgressRule(copies, ec2.Port.tcp(5432), 'the check of a restored database');

    this.handler = this.#checker(context, checker);
    const plan = new backup.CfnRestoreTestingPlan(this, 'Plan', {
      restoreTestingPlanName: `counterfoil_${name}`,
      scheduleExpression: 'cron(0 10 ? * SUN *)',
      startWindowHours: 1,
      recoveryPointSelection: {
        algorithm: 'LATEST_WITHIN_WINDOW',
        includeVaults: [vault.backupVaultArn],
        recoveryPointTypes: ['SNAPSHOT'],
        selectionWindowDays: 7,
      },
    });
    const { dbSubnetGroupName, dbClusterParameterGroupName } = cluster.node.defaultChild as rds.CfnDBCluster;
    const selection = new backup.CfnRestoreTestingSelection(this, 'Database', {
      restoreTestingPlanName: plan.restoreTestingPlanName,
      restoreTestingSelectionName: 'database',
      protectedResourceType: 'Aurora',
      protectedResourceArns: [cluster.clusterArn],
      iamRoleArn: restores.roleArn,
      // For what the state machine does, with patience: the copy is deleted when it reports.
      validationWindowHours: 4,
      restoreMetadataOverrides: {
        dbSubnetGroupName: dbSubnetGroupName!,
        dbClusterParameterGroupName: dbClusterParameterGroupName!,
        vpcSecurityGroupIds: Fn.join('', ['["', copies.securityGroupId, '"]']),
        enableIamDatabaseAuthentication: 'true',
      },
    });
    selection.addResourceDependency(plan);
    this.#startWhenRestored(this.#machine(context), plan);
  }

  #group({ network }: StageContext, id: string, description: string): ec2.SecurityGroup {
    return new ec2.SecurityGroup(this, id, { vpc: network.vpc, description, allowAllOutbound: false });
  }

  #checker(context: StageContext, group: ec2.SecurityGroup): HandlerFunction {
    const job = jobs['check-restored-copy'];
    const handler = new HandlerFunction(this, 'Check', {
      ...context,
      handler: job.handler,
      description: 'Checks the invariants on a restored copy of the database',
      grants: grantsOf({ kind: 'job', row: job }, context.settings.payments.provider),
      timeoutSeconds: job.timeoutSeconds,
      atOnce: 1,
      securityGroups: [group],
      // Node.js does not know the authority of Aurora's own certificates; Lambda has a file with it.
      environment: { NODE_EXTRA_CA_CERTS: '/var/runtime/ca-cert.pem' },
    });
    // The id of a copy is known only when it is there.
    handler.function.addToRolePolicy(
      new iam.PolicyStatement({
        actions: ['rds-db:connect'],
        resources: [this.#arn('rds-db', 'dbuser', `cluster-*/${job.databaseRole}`)],
      }),
    );
    Validations.of(handler).acknowledge({
      id: `AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:rds-db:<AWS::Region>:<AWS::AccountId>:dbuser:cluster-*/${job.databaseRole}]`,
      reason: 'The id of a restored copy is known only when it is there; security groups let it reach copies alone.',
    });
    return handler;
  }

  #machine(context: StageContext): sfn.StateMachine {
    const { profile } = context.settings;
    const machine = new sfn.StateMachine(this, 'Validation', {
      stateMachineName: this.stateMachineName,
      stateMachineType: sfn.StateMachineType.STANDARD,
      definitionBody: sfn.DefinitionBody.fromString(
        readFileSync(new URL('../restore-test/validate.asl.json', import.meta.url), 'utf8'),
      ),
      definitionSubstitutions: { Check: this.handler.function.functionArn },
      tracingEnabled: profile.traces,
      logs: {
        destination: new logs.LogGroup(this, 'ValidationLog', {
          logGroupName: `/aws/vendedlogs/states/${this.stateMachineName}`,
          retention: profile.logDays,
          removalPolicy: profile.keeps ? RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE : RemovalPolicy.DESTROY,
        }),
        level: sfn.LogLevel.ERROR,
        includeExecutionData: false,
      },
    });
    const allow = (actions: string[], ...resources: string[]) =>
      machine.addToRolePolicy(new iam.PolicyStatement({ actions, resources }));
    allow(['lambda:InvokeFunction'], this.handler.function.functionArn);
    const [clusters, instances] = [this.#arn('rds', 'cluster', madeByTests), this.#arn('rds', 'db', madeByTests)];
    allow(['rds:CreateDBInstance'], clusters, instances);
    allow(['rds:DeleteDBInstance', 'rds:DescribeDBInstances'], instances);
    allow(['backup:PutRestoreValidationResult'], '*');
    for (const resource of ['cluster', 'db'])
      Validations.of(machine.role).acknowledge({
        id: `AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:rds:<AWS::Region>:<AWS::AccountId>:${resource}:${madeByTests}]`,
        reason: 'What restore tests make has names of this form, and nothing else has.',
      });
    Validations.of(machine.role).acknowledge({
      id: 'AwsSolutions-IAM5[Resource::*]',
      reason: 'Restore jobs, log delivery and X-Ray have no resources to name: AWS documents "*".',
    });
    if (!profile.traces)
      Validations.of(machine).acknowledge({
        id: 'AwsSolutions-SF2',
        reason: 'Histories of executions say what X-Ray would; -c traces=on adds it.',
      });
    Validations.of(machine).acknowledge({
      id: 'AwsSolutions-SF1',
      reason: 'The history of every execution is kept for 90 days; the log is for errors, without execution data.',
    });
    return machine;
  }

  /** By a rule on the plan: restores that a person makes are none of its business. */
  #startWhenRestored(machine: sfn.StateMachine, plan: backup.CfnRestoreTestingPlan): void {
    const role = new iam.Role(this, 'RuleRole', {
      assumedBy: new iam.ServicePrincipal('events.amazonaws.com', {
        conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(this).account } },
      }),
      inlinePolicies: {
        start: new iam.PolicyDocument({
          statements: [
            new iam.PolicyStatement({ actions: ['states:StartExecution'], resources: [machine.stateMachineArn] }),
          ],
        }),
      },
    });
    new events.CfnRule(this, 'Restored', {
      description: 'A restore test has made a copy of the database, which is to be checked',
      eventPattern: {
        source: ['aws.backup'],
        'detail-type': ['Restore Job State Change'],
        detail: {
          status: ['COMPLETED'],
          resourceType: ['Aurora'],
          restoreTestingPlanArn: [plan.attrRestoreTestingPlanArn],
        },
      },
      targets: [{ id: 'validation', arn: machine.stateMachineArn, roleArn: role.roleArn }],
    });
  }

  #arn(service: string, resource: string, resourceName: string): string {
    const arnFormat = ArnFormat.COLON_RESOURCE_NAME;
    return Stack.of(this).formatArn({ service, resource, resourceName, arnFormat });
  }
}
