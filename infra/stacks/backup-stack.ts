import { CfnOutput, Duration, RemovalPolicy, Stack, type StackProps, Validations } from 'aws-cdk-lib';
import * as backup from 'aws-cdk-lib/aws-backup';
import * as events from 'aws-cdk-lib/aws-events';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as kms from 'aws-cdk-lib/aws-kms';
import type { Construct } from 'constructs';
import { type TableName, type TableRow, tables } from '../../lib/contract/deploy/tables.ts';
import type { HandlerFunction, StageContext } from '../constructs/handler-function.ts';
import { RestoreTests } from '../constructs/restore-tests.ts';

/** How long backups are kept: the least and the most that the vault's lock allows are those of the plan. */
const kept = { daily: Duration.days(35), monthly: Duration.days(365) };

/**
 * Backups apart from those that Aurora and DynamoDB keep themselves: whoever deletes a cluster or a table does not delete
 * these. A vault with a lock, a plan, copies to another vault where the settings name one, and weekly restore tests.
 */
export class BackupStack extends Stack {
  readonly handlers: readonly HandlerFunction[];

  constructor(
    scope: Construct,
    id: string,
    { context, key, ...props }: StackProps & { context: StageContext; key: kms.IKey | undefined },
  ) {
    super(scope, id, props);
    const { profile, backups } = context.settings;
    const { cluster } = context.database;
    const vault = new backup.BackupVault(this, 'Vault', {
      backupVaultName: `counterfoil-${profile.stage}`,
      ...(key === undefined ? {} : { encryptionKey: key }),
      // Whoever may change the vault could delete what is in it. With "compliance", after three days, not even AWS can.
      lockConfiguration: {
        minRetention: kept.daily,
        maxRetention: kept.monthly,
        ...(backups.lock === 'compliance' ? { changeableFor: Duration.days(3) } : {}),
      },
      blockRecoveryPointDeletion: true,
      removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
    });
    const copyActions =
      backups.copyTo === undefined
        ? []
        : [backup.BackupVault.fromBackupVaultArn(this, 'Elsewhere', backups.copyTo)].map((destinationBackupVault) => ({
            destinationBackupVault,
            deleteAfter: kept.daily,
          }));
    const plan = new backup.BackupPlan(this, 'Plan', {
      backupPlanName: `counterfoil-${profile.stage}`,
      backupVault: vault,
      backupPlanRules: [
        new backup.BackupPlanRule({
          ruleName: 'daily',
          // An hour after Aurora's own windows for backups and maintenance: AWS Backup refuses to start close to them.
          scheduleExpression: events.Schedule.cron({ hour: '5', minute: '30' }),
          startWindow: Duration.hours(1),
          completionWindow: Duration.hours(4),
          deleteAfter: kept.daily,
          copyActions,
        }),
        new backup.BackupPlanRule({
          ruleName: 'monthly',
          scheduleExpression: events.Schedule.cron({ day: '1', hour: '7', minute: '30' }),
          startWindow: Duration.hours(1),
          completionWindow: Duration.hours(4),
          deleteAfter: kept.monthly,
        }),
      ],
    });
    const role = new iam.Role(this, 'Role', {
      description: `What AWS Backup of counterfoil-${profile.stage} may do`,
      assumedBy: new iam.ServicePrincipal('backup.amazonaws.com', {
        conditions: { StringEquals: { 'aws:SourceAccount': this.account } },
      }),
      managedPolicies: ['ForBackup', 'ForRestores'].map((purpose) =>
        iam.ManagedPolicy.fromAwsManagedPolicyName(`service-role/AWSBackupServiceRolePolicy${purpose}`),
      ),
    });
    for (const purpose of ['ForBackup', 'ForRestores'])
      Validations.of(role).acknowledge({
        id: `AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AWSBackupServiceRolePolicy${purpose}]`,
        reason: 'AWS Backup documents what it needs as these policies, and changes them with what it does.',
      });
    plan.addSelection('Selection', {
      role,
      resources: [
        ...(cluster === undefined ? [] : [backup.BackupResource.fromArn(cluster.clusterArn)]),
        ...recoverable.map((name) => backup.BackupResource.fromArn(context.tables.byName[name].tableArn)),
      ],
    });
    const tests =
      cluster === undefined
        ? undefined
        : new RestoreTests(this, 'RestoreTests', { context, cluster, vault, restores: role });
    this.handlers = tests === undefined ? [] : [tests.handler];
    new CfnOutput(this, 'BackupVault', { value: vault.backupVaultName });
    if (tests !== undefined) new CfnOutput(this, 'RestoreTest', { value: tests.stateMachineName });
  }
}

const recoverable = (Object.entries(tables) as [TableName, TableRow][])
  .filter(([, row]) => row.recoverable)
  .map(([name]) => name);
