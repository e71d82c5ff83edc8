import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { tables } from '../../lib/contract/deploy/tables.ts';
import { functionOf, ofType, roleOf, statementsOf, synthesized, type Template } from './synthesized.ts';

const { backup, data, monitoring } = synthesized('prod');
const only = (type: string, template: Template = backup) => ofType(template, type)[0]![1].Properties;
const copyVault = 'arn:aws:backup:eu-central-1:222222222222:backup-vault:counterfoil-copies';

test('Aurora keeps thirty days, and a dev stage has no vault', () => {
  expect(only('AWS::RDS::DBCluster', data).BackupRetentionPeriod).toBe(30);
  expect(synthesized('dev').backup).toBeUndefined();
});

test('the vault is locked to what the plan keeps, and nobody may delete what is in it', () => {
  const vault = only('AWS::Backup::BackupVault');
  expect(vault.LockConfiguration).toEqual({ MinRetentionDays: 35, MaxRetentionDays: 365 });
  expect(vault.AccessPolicy.Statement).toEqual([
    expect.objectContaining({
      Effect: 'Deny',
      Action: ['backup:DeleteRecoveryPoint', 'backup:UpdateRecoveryPointLifecycle'],
    }),
  ]);
  expect(JSON.stringify(vault.EncryptionKeyArn)).toContain('Key');
  expect(ofType(backup, 'AWS::Backup::BackupVault')[0]![1].UpdateReplacePolicy).toBe('Retain');
  const strict = synthesized('prod', { context: { backupLock: 'compliance' } }).backup;
  expect(only('AWS::Backup::BackupVault', strict).LockConfiguration.ChangeableForDays).toBe(3);
});

test('the database and every table that cannot be made again are backed up, daily and monthly', () => {
  const rules = only('AWS::Backup::BackupPlan').BackupPlan.BackupPlanRule;
  expect(rules.map(({ Lifecycle }: { Lifecycle: object }) => Lifecycle)).toEqual([
    { DeleteAfterDays: 35 },
    { DeleteAfterDays: 365 },
  ]);
  const resources = only('AWS::Backup::BackupSelection').BackupSelection.Resources.map((each: unknown) =>
    JSON.stringify(each),
  );
  const wanted = Object.entries(tables).filter(([, { recoverable }]) => recoverable);
  expect(resources).toHaveLength(1 + wanted.length);
  for (const [name] of wanted)
    expect(
      resources.filter((text: string) => text.includes(`Tables${name[0]!.toUpperCase()}${name.slice(1)}`)),
    ).toHaveLength(1);
});

test('daily backups are copied where the settings say', () => {
  expect(only('AWS::Backup::BackupPlan').BackupPlan.BackupPlanRule[0].CopyActions).toEqual([]);
  const copying = synthesized('prod', { context: { backupCopyVault: copyVault } }).backup;
  expect(only('AWS::Backup::BackupPlan', copying).BackupPlan.BackupPlanRule[0].CopyActions).toEqual([
    { DestinationBackupVaultArn: copyVault, Lifecycle: { DeleteAfterDays: 35 } },
  ]);
});

test('a restore test of the database leads to the state machine, by its plan alone', () => {
  const [planId] = ofType(backup, 'AWS::Backup::RestoreTestingPlan')[0]!;
  const selection = only('AWS::Backup::RestoreTestingSelection');
  expect(selection).toMatchObject({ ProtectedResourceType: 'Aurora', ValidationWindowHours: 4 });
  expect(Object.keys(selection.RestoreMetadataOverrides).toSorted()).toEqual([
    'dbClusterParameterGroupName',
    'dbSubnetGroupName',
    'enableIamDatabaseAuthentication',
    'vpcSecurityGroupIds',
  ]);
  const { EventPattern, Targets } = only('AWS::Events::Rule');
  expect(EventPattern.detail).toEqual({
    status: ['COMPLETED'],
    resourceType: ['Aurora'],
    restoreTestingPlanArn: [{ 'Fn::GetAtt': [planId, 'RestoreTestingPlanArn'] }],
  });
  const [machineId] = ofType(backup, 'AWS::StepFunctions::StateMachine')[0]!;
  expect(Targets).toEqual([expect.objectContaining({ Arn: { Ref: machineId } })]);
});

test('a copy lets only its check in, and the check reaches copies and the proxy', () => {
  const ways = ofType(backup, 'AWS::EC2::SecurityGroupIngress').map(([, { Properties }]) =>
    [Properties.SourceSecurityGroupId, Properties.GroupId]
      .map((group) => group['Fn::GetAtt'][0].slice(0, -8))
      .join(' → '),
  );
  expect(ways).toEqual(['RestoreTestsChecker → RestoreTestsCopies']);
  const [, check] = functionOf(backup, 'prod', 'jobs/check-restored-copy');
  expect(check.Properties.VpcConfig.SecurityGroupIds).toHaveLength(2);
  const allowed = statementsOf(backup!, roleOf(check)).flatMap(({ Action }) => Action);
  expect(allowed.filter((action) => !/^(logs|ec2):/.test(action))).toEqual(['rds-db:connect', 'rds-db:connect']);
  expect(check.Properties.Environment.Variables.NODE_EXTRA_CA_CERTS).toBe('/var/runtime/ca-cert.pem');
});

type State = {
  Type: string;
  Next?: string;
  End?: boolean;
  Default?: string;
  Catch?: { Next: string }[];
  Choices?: { Next: string }[];
};

test('whatever goes wrong with a copy, its instance is deleted and the outcome is reported', () => {
  const text = readFileSync(new URL('../../infra/restore-test/validate.asl.json', import.meta.url), 'utf8');
  const { StartAt, States } = JSON.parse(text) as { StartAt: string; States: Record<string, State> };
  const nextOf = ({ Next, Default, Catch = [], Choices = [] }: State) =>
    [Next, Default, ...Catch.map((one) => one.Next), ...Choices.map((one) => one.Next)].filter(
      (name) => name !== undefined,
    );
  const reached = new Set<string>();
  const visit = (name: string, deleted: boolean): void => {
    const key = `${name} ${deleted}`;
    if (reached.has(key)) return;
    reached.add(key);
    const state = States[name]!;
    if (name === 'Report') expect(deleted).toBe(true);
    // The report is the only end, and everything but a wait or a choice has a way on when it fails.
    expect(state.End === true, name).toBe(name === 'Report');
    if (state.Type === 'Task' && name !== 'Report') expect(state.Catch, name).toHaveLength(1);
    for (const next of nextOf(state)) visit(next, deleted || name === 'DeleteInstance');
  };
  visit(StartAt, false);
  expect(new Set([...reached].map((key) => key.split(' ')[0]))).toEqual(new Set(Object.keys(States)));
});

test('an alarm rings when no backup was found sound for a month', () => {
  const alarm = ofType(monitoring, 'AWS::CloudWatch::Alarm').find(([, { Properties }]) =>
    Properties.AlarmName.endsWith('backup-not-tested'),
  )![1].Properties;
  expect(JSON.stringify(alarm)).toContain('RestoreTestAge');
  expect(alarm).toMatchObject({
    Threshold: 31 * 24 * 3600,
    TreatMissingData: 'notBreaching',
  });
});
