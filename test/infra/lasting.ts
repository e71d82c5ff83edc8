import { readFileSync } from 'node:fs';
import { exportsOf, importsOf, type Template } from './synthesized.ts';

/** What a stage keeps data in or is known by, and what its stacks offer each other. */
export type Lasting = {
  /** By `<stack> <logical id>`: the type, and what CloudFormation replaces the resource for when it changes. */
  resources: Record<string, Record<string, unknown>>;
  /** What each export stands for, by its name. */
  exports: Record<string, unknown>;
};

export const recordFile = new URL('lasting.json', import.meta.url);

export const stageProfiles = ['dev', 'staging', 'small', 'prod'] as const;

export const readRecord = (): Record<(typeof stageProfiles)[number], Lasting> =>
  JSON.parse(readFileSync(recordFile, 'utf8'));

/**
 * The properties of each type that CloudFormation replaces a resource for, by its resource reference. A key policy, a time to
 * live or a capacity may change.
 */
const replacing: Readonly<Record<string, readonly string[]>> = {
  'AWS::ApiGatewayV2::Api': ['ProtocolType'],
  'AWS::Backup::BackupVault': ['BackupVaultName', 'EncryptionKeyArn'],
  'AWS::Cognito::UserPool': ['AliasAttributes', 'UsernameAttributes', 'UsernameConfiguration'],
  'AWS::DynamoDB::GlobalTable': ['KeySchema', 'LocalSecondaryIndexes', 'TableName'],
  'AWS::DynamoDB::Table': ['ImportSourceSpecification', 'KeySchema', 'LocalSecondaryIndexes', 'TableName'],
  'AWS::EC2::Subnet': ['AvailabilityZone', 'CidrBlock', 'VpcId'],
  'AWS::EC2::VPC': ['CidrBlock', 'InstanceTenancy'],
  'AWS::Events::Archive': ['ArchiveName', 'SourceArn'],
  'AWS::Events::EventBus': ['Name'],
  'AWS::KMS::Key': ['KeySpec', 'KeyUsage', 'MultiRegion', 'Origin'],
  'AWS::RDS::DBCluster': [
    'AvailabilityZones',
    'DBClusterIdentifier',
    'DBSubnetGroupName',
    'DatabaseName',
    'Engine',
    'EngineMode',
    'KmsKeyId',
    'MasterUsername',
    'SnapshotIdentifier',
    'SourceDBClusterIdentifier',
    'StorageEncrypted',
  ],
  'AWS::RDS::DBSubnetGroup': ['DBSubnetGroupName'],
  'AWS::S3::Bucket': ['BucketName', 'ObjectLockEnabled'],
  'AWS::SQS::Queue': ['FifoQueue', 'QueueName'],
  'AWS::SecretsManager::Secret': ['Name'],
  'AWS::StepFunctions::StateMachine': ['StateMachineName', 'StateMachineType'],
};

/** What lasts of a stage's templates. */
export function lastingOf(templates: [string, Template][]): Lasting {
  const resources = templates.flatMap(([stack, { Resources }]) =>
    Object.entries(Resources).flatMap(
      ([id, { Type, Properties = {}, DeletionPolicy = 'Delete', UpdateReplacePolicy }]) => {
        const names = replacing[Type];
        if (names === undefined) return [];
        const fixed = names.flatMap((name) => (name in Properties ? [[name, Properties[name]] as const] : []));
        const kept = { DeletionPolicy, UpdateReplacePolicy: UpdateReplacePolicy ?? 'Delete' };
        return [
          [`${stack} ${id}`, { Type, ...kept, ...Object.fromEntries([...fixed, ...keyTypes(Type, Properties)]) }],
        ];
      },
    ),
  );
  return {
    resources: Object.fromEntries(resources.toSorted(([a], [b]) => ((a as string) < (b as string) ? -1 : 1))),
    exports: Object.fromEntries(exportsOf(templates)),
  };
}

/** The part of it that the next versions must keep: an export that nothing imports may go. */
export function recordOf(templates: [string, Template][]): Lasting {
  const { resources, exports } = lastingOf(templates);
  const imported = importsOf(templates).toSorted();
  return { resources, exports: Object.fromEntries(imported.map((name) => [name, exports[name]])) };
}

/** The types of a table's key: those of other attributes may come and go with an index. */
function keyTypes(
  type: string,
  { KeySchema = [], AttributeDefinitions = [] }: Template['Resources'][string]['Properties'],
) {
  if (!type.startsWith('AWS::DynamoDB::')) return [];
  const keys = new Set(KeySchema.map(({ AttributeName }: { AttributeName: string }) => AttributeName));
  return [
    [
      'AttributeDefinitions',
      AttributeDefinitions.filter(({ AttributeName }: { AttributeName: string }) => keys.has(AttributeName)),
    ] as const,
  ];
}

const resourceAdvice =
  'With it goes what is in it. Keep its construct and id, or give it the recorded one with overrideLogicalId before anything refers to it; ' +
  'for another key or name, add a second resource, copy, and drop the first one a release later.';
const exportAdvice =
  'CloudFormation refuses to take an export away, or to change it, while a deployed stack imports it. ' +
  'Keep it with this.exportValue(…) for one release.';

/** What an upgrade from a record would drop, replace or refuse. What is new does no harm. */
export function losses(record: Lasting, now: Lasting): string[] {
  const differs = (a: unknown, b: unknown): boolean => JSON.stringify(a) !== JSON.stringify(b);
  const resources = Object.entries(record.resources).flatMap(([name, was]) => {
    const is = now.resources[name];
    if (is === undefined) return [`${was.Type} "${name}" is dropped. ${resourceAdvice}`];
    const names = [...new Set([...Object.keys(was), ...Object.keys(is)])].filter((each) =>
      differs(was[each], is[each]),
    );
    const policies = names.filter((each) => each.endsWith('Policy') && was[each] !== 'Delete');
    const rest = names.filter((each) => !each.endsWith('Policy'));
    return [
      ...(rest.length === 0 ? [] : [`${was.Type} "${name}" is replaced, for ${rest.join(', ')}. ${resourceAdvice}`]),
      ...policies.map((each) => `${was.Type} "${name}" has ${each} ${is[each]}, had ${was[each]}. ${resourceAdvice}`),
    ];
  });
  const exports = Object.entries(record.exports).flatMap(([name, was]) => {
    if (!Object.hasOwn(now.exports, name)) return [`export "${name}" is dropped. ${exportAdvice}`];
    return differs(was, now.exports[name]) ? [`export "${name}" stands for something else. ${exportAdvice}`] : [];
  });
  return [...resources, ...exports];
}
