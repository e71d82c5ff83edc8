import { describe, expect, test } from 'vitest';
import { type TableRow, tables } from '../../lib/contract/deploy/tables.ts';
import { ofType, stacksOf, synthesized, type Template } from './synthesized.ts';

const stages = { dev: synthesized('dev'), prod: synthesized('prod') };
const only = (template: Template, type: string) => ofType(template, type)[0]![1];
/** The user pool, whose passwords are of customers and Cognito's alone to keep. */
const isUsers = (name: string) => /^IdentityUsers/.test(name);
const instances = (template: Template) => ofType(template, 'AWS::RDS::DBInstance').map(([id]) => id);

describe.each(['dev', 'prod'] as const)('%s', (stage) => {
  const { data, service } = stages[stage];

  test('there is no password: not of the master user, not in a secret, not in the proxy', () => {
    const cluster = only(data, 'AWS::RDS::DBCluster').Properties;
    expect(cluster).toMatchObject({
      MasterUsername: 'migrator',
      MasterUserAuthenticationType: 'iam-db-auth',
      EnableIAMDatabaseAuthentication: true,
    });
    expect(only(data, 'AWS::RDS::DBProxy').Properties).toMatchObject({ DefaultAuthScheme: 'IAM_AUTH' });
    expect(only(data, 'AWS::RDS::DBProxy').Properties.Auth).toBeUndefined();
    for (const [, template] of stacksOf(stages[stage])) {
      const text = JSON.stringify(template, (name, value) => (isUsers(name) ? undefined : value));
      // Names of properties and variables: those of handlers and paths have the word in them.
      for (const { Properties } of Object.values((JSON.parse(text) as typeof template).Resources)) {
        expect(JSON.stringify(Properties ?? {})).not.toMatch(/"[^":]*password[^":]*":/i);
      }
      expect(text).not.toContain('AWS::SecretsManager');
      expect(text).not.toContain('resolve:secretsmanager');
    }
  });

  test('TLS is required at the proxy and at the database', () => {
    expect(only(data, 'AWS::RDS::DBProxy').Properties.RequireTLS).toBe(true);
    expect(only(data, 'AWS::RDS::DBClusterParameterGroup').Properties.Parameters['rds.force_ssl']).toBe('1');
  });

  test('values of statements stay out of the database’s log', () => {
    expect(only(data, 'AWS::RDS::DBClusterParameterGroup').Properties.Parameters).toMatchObject({
      log_parameter_max_length: '0',
      log_parameter_max_length_on_error: '0',
    });
  });

  test('the proxy gives up lending a connection while the caller still waits', () => {
    expect(
      only(data, 'AWS::RDS::DBProxyTargetGroup').Properties.ConnectionPoolConfigurationInfo.ConnectionBorrowTimeout,
    ).toBe(3);
  });

  test('everything at rest is encrypted', () => {
    expect(only(data, 'AWS::RDS::DBCluster').Properties.StorageEncrypted).toBe(true);
    const tables = ofType(data, 'AWS::DynamoDB::Table').map(([, { Properties }]) => Properties.SSESpecification);
    const groups = [...ofType(data, 'AWS::Logs::LogGroup'), ...ofType(service, 'AWS::Logs::LogGroup')].map(
      ([, { Properties }]) => Properties.KmsKeyId,
    );
    const queue = only(service, 'AWS::SQS::Queue').Properties;
    expect(tables.length).toBeGreaterThan(5);
    expect(groups.length).toBeGreaterThan(5);
    if (stage === 'dev') {
      // DynamoDB and CloudWatch Logs encrypt always, under keys of AWS.
      expect(new Set([...tables, ...groups])).toEqual(new Set([undefined]));
      expect(queue.SqsManagedSseEnabled).toBe(true);
      return;
    }
    const [[keyId]] = ofType(data, 'AWS::KMS::Key') as [[string, unknown]];
    for (const table of tables)
      expect(table).toMatchObject({ SSEEnabled: true, KMSMasterKeyId: { 'Fn::GetAtt': [keyId, 'Arn'] } });
    for (const key of [...groups, queue.KmsMasterKeyId]) expect(JSON.stringify(key)).toContain(keyId);
    expect(queue.SqsManagedSseEnabled).toBeUndefined();
  });

  test.runIf(stage === 'prod')('the stage’s key is used through the services that store, and not by itself', () => {
    const [, ...statements] = only(data, 'AWS::KMS::Key').Properties.KeyPolicy.Statement;
    expect(
      statements.map(({ Condition }: { Condition: object }) => Object.values(Condition).flatMap(Object.keys)),
    ).toEqual([['kms:CallerAccount', 'kms:ViaService'], ['kms:EncryptionContext:aws:logs:arn'], ['aws:SourceAccount']]);
    for (const { Action } of statements) expect(Action).not.toContain('kms:*');
  });

  test('the network leads nowhere', () => {
    const types = Object.values(data.Resources).map(({ Type }) => Type);
    for (const way of ['NatGateway', 'InternetGateway', 'EgressOnlyInternetGateway', 'EIP', 'Route']) {
      expect(types).not.toContain(`AWS::EC2::${way}`);
    }
    const names = ofType(data, 'AWS::EC2::VPCEndpoint').map(([, { Properties }]) => [
      Properties.VpcEndpointType,
      Properties.ServiceName['Fn::Join'][1].at(-1),
    ]);
    expect(names.toSorted()).toEqual([
      ['Gateway', '.dynamodb'],
      ['Gateway', '.s3'],
      ...(stage === 'prod' ? [['Interface', '.athena']] : []),
      ...(stage === 'prod' ? [['Interface', '.email']] : []),
      ['Interface', '.events'],
      ['Interface', '.states'],
    ]);
    for (const [id, { Properties }] of ofType(data, 'AWS::EC2::VPCEndpoint')) {
      const [{ Condition, Effect }] = Properties.PolicyDocument.Statement;
      expect({ Condition, Effect }, id).toEqual({
        Condition: { StringEqualsIfExists: { 'aws:ResourceAccount': { Ref: 'AWS::AccountId' } } },
        Effect: 'Allow',
      });
    }
  });

  test('security groups allow each other and no address range', () => {
    for (const [id, { Properties }] of ofType(data, 'AWS::EC2::SecurityGroup')) {
      expect(Properties.SecurityGroupIngress, id).toBeUndefined();
    }
    for (const [id, { Properties }] of ofType(data, 'AWS::EC2::SecurityGroupIngress')) {
      expect(Properties.SourceSecurityGroupId, id).toBeDefined();
      expect(Properties.CidrIp, id).toBeUndefined();
    }
    const ways = ofType(data, 'AWS::EC2::SecurityGroupIngress').map(([, { Properties }]) =>
      [Properties.SourceSecurityGroupId, Properties.GroupId]
        .map((group) => group['Fn::GetAtt'][0].slice(0, -8))
        .join(' → '),
    );
    expect(ways.toSorted()).toEqual([
      'NetworkHandlers → NetworkEndpoints',
      'NetworkHandlers → NetworkProxy',
      'NetworkProxy → NetworkDatabase',
    ]);
  });

  test('the tables have the keys that the laptop’s have', () => {
    const found = Object.fromEntries(
      ofType(data, 'AWS::DynamoDB::Table').map(([id, { Properties }]) => {
        const key = (type: string) =>
          Properties.KeySchema.find((one: { KeyType: string }) => one.KeyType === type)?.AttributeName;
        return [
          id.replace(/^Tables|[0-9A-F]{8}$/g, ''),
          [key('HASH'), key('RANGE'), Properties.TimeToLiveSpecification?.AttributeName],
        ];
      }),
    );
    expect(found).toEqual(
      Object.fromEntries(
        Object.entries<TableRow>(tables).map(([name, { partitionKey, sortKey, ttlAttribute }]) => [
          name[0]!.toUpperCase() + name.slice(1),
          [partitionKey, sortKey, ttlAttribute],
        ]),
      ),
    );
  });

  test('every log has a retention', () => {
    for (const [, template] of stacksOf(stages[stage])) {
      for (const [id, { Properties }] of ofType(template, 'AWS::Logs::LogGroup')) {
        expect(Properties.RetentionInDays, id).toBe(stage === 'dev' ? 14 : 365);
      }
    }
    // What writes without being told where: the groups are made beforehand under the names it takes.
    const names = ofType(data, 'AWS::Logs::LogGroup').map(([, { Properties }]) => Properties.LogGroupName);
    expect(names).toContain(
      `/aws/rds/cluster/${only(data, 'AWS::RDS::DBCluster').Properties.DBClusterIdentifier}/postgresql`,
    );
    expect(names).toContain(`/aws/rds/proxy/${only(data, 'AWS::RDS::DBProxy').Properties.DBProxyName}`);
    for (const [id, { Properties }] of ofType(service, 'AWS::Lambda::Function')) {
      expect(Properties.LoggingConfig?.LogGroup, id).toBeDefined();
    }
  });

  test('the logical ids of what holds data do not change, or it would be replaced', () => {
    const stateful = Object.entries(data.Resources)
      .filter(([, { Type }]) =>
        ['AWS::RDS::DBCluster', 'AWS::DynamoDB::Table', 'AWS::KMS::Key', 'AWS::EC2::VPC'].includes(Type),
      )
      .map(([id]) => id);
    expect(stateful.toSorted()).toEqual(
      [
        'DatabaseCluster5B53A178',
        'NetworkVpc7FB7348F',
        'TablesAppKeys28DCF84D',
        'TablesApplications5DEE6B2A',
        'TablesAwaitedPayments873198D9',
        'TablesCache5292FFBE',
        'TablesIdentities4BDFD7EE',
        'TablesIssuerKeysE60C57CE',
        'TablesLimits627214C7',
        'TablesNotices44D619EB',
        'TablesProviderCharges3BC7FB48',
        'TablesSessions486350CB',
        'TablesCharges5EF163FA',
        'TablesWebhookEvents4036B899',
        'TablesWebhookDeliveriesB9A5DC79',
        'TablesWebhookEndpointsF7982590',
        'TablesWebhookQueueBDA64A1E',
        ...(stage === 'dev' ? [] : ['Key961B73FD']),
      ].toSorted(),
    );
  });
});

test('dev is as small as possible and leaves nothing behind', () => {
  const { data } = stages.dev;
  expect(only(data, 'AWS::RDS::DBCluster').Properties).toMatchObject({
    BackupRetentionPeriod: 1,
    DeletionProtection: false,
    ServerlessV2ScalingConfiguration: { MinCapacity: 0.5 },
  });
  expect(instances(data)).toHaveLength(1);
  expect(ofType(data, 'AWS::EC2::Subnet')).toHaveLength(2);
  for (const [, template] of stacksOf(stages.dev)) {
    for (const [id, { Type, DeletionPolicy = 'Delete' }] of Object.entries(template.Resources)) {
      // A version goes with its function or state machine.
      if (!/Version$/.test(Type)) expect(DeletionPolicy, id).toBe('Delete');
    }
  }
});

test('the functions’ way out can be narrowed to DynamoDB', () => {
  const waysOut = (context: Record<string, string>) =>
    Object.values(synthesized('dev', { context }).data.Resources).flatMap(({ Type, Properties }) => {
      const rules = Type === 'AWS::EC2::SecurityGroup' ? (Properties.SecurityGroupEgress ?? []) : [];
      return (Type === 'AWS::EC2::SecurityGroupEgress' ? [Properties] : rules).filter(
        ({ CidrIp, DestinationPrefixListId }: Record<string, string>) =>
          DestinationPrefixListId !== undefined || (CidrIp !== undefined && CidrIp !== '255.255.255.255/32'),
      );
    });
  expect(waysOut({ dynamodbPrefixList: 'pl-6fa54006' })).toMatchObject([
    { DestinationPrefixListId: 'pl-6fa54006', FromPort: 443 },
  ]);
  expect(waysOut({ dynamodbPrefixList: 'pl-6fa54006', s3PrefixList: 'pl-6da54004' })).toMatchObject([
    { DestinationPrefixListId: 'pl-6fa54006' },
    { DestinationPrefixListId: 'pl-6da54004', FromPort: 443 },
  ]);
  expect(waysOut({})).toMatchObject([{ CidrIp: '0.0.0.0/0', FromPort: 443, ToPort: 443 }]);
  expect(() => synthesized('dev', { context: { dynamodbPrefixList: '0.0.0.0/0' } })).toThrow('dynamodbPrefixList');
});

test('named zones carry the subnets, the database, the proxy and every endpoint', () => {
  const context = { zones: 'eu-west-1b,eu-west-1c' };
  const { data } = synthesized('prod', { context });
  const subnets = ofType(data, 'AWS::EC2::Subnet').map(([id, { Properties }]) => [id, Properties.AvailabilityZone]);
  expect(subnets.map(([, zone]) => zone)).toEqual(['eu-west-1b', 'eu-west-1c']);
  const ids = subnets.map(([id]) => ({ Ref: id }));
  expect(only(data, 'AWS::RDS::DBSubnetGroup').Properties.SubnetIds).toEqual(ids);
  expect(only(data, 'AWS::RDS::DBProxy').Properties.VpcSubnetIds).toEqual(ids);
  const endpoints = ofType(data, 'AWS::EC2::VPCEndpoint').filter(
    ([, one]) => one.Properties.VpcEndpointType === 'Interface',
  );
  expect(endpoints).toHaveLength(4);
  for (const [id, { Properties }] of endpoints) expect(Properties.SubnetIds, id).toEqual(ids);
  expect(JSON.stringify(data)).not.toContain('Fn::GetAZs');
});

test('prod stands in three zones with a reader, and outlives a deleted stack', () => {
  const { data, service } = stages.prod;
  const cluster = only(data, 'AWS::RDS::DBCluster');
  expect(cluster.Properties).toMatchObject({ BackupRetentionPeriod: 30, DeletionProtection: true });
  expect(instances(data)).toHaveLength(2);
  expect(ofType(data, 'AWS::EC2::Subnet')).toHaveLength(3);
  const kept = Object.entries(data.Resources)
    .filter(([, { UpdateReplacePolicy }]) => UpdateReplacePolicy === 'Retain')
    .map(([, { Type }]) => Type);
  expect(new Set(kept)).toEqual(
    new Set([
      'AWS::RDS::DBCluster',
      'AWS::KMS::Key',
      'AWS::DynamoDB::Table',
      'AWS::Logs::LogGroup',
      'AWS::Cognito::UserPool',
      'AWS::S3::Bucket',
    ]),
  );
  for (const [id, { DeletionPolicy }] of ofType(service, 'AWS::Logs::LogGroup')) {
    expect(DeletionPolicy, id).toBe('RetainExceptOnCreate');
  }
});

test('prod can restore every table whose items cannot be created again', () => {
  const recoverable = ofType(stages.prod.data, 'AWS::DynamoDB::Table')
    .filter(([, { Properties }]) => Properties.PointInTimeRecoverySpecification.PointInTimeRecoveryEnabled)
    .map(([id, { Properties, DeletionPolicy }]) => [
      id.slice(0, -8),
      Properties.DeletionProtectionEnabled,
      DeletionPolicy,
    ]);
  expect(recoverable).toEqual([
    ['TablesSessions', true, 'RetainExceptOnCreate'],
    ['TablesApplications', true, 'RetainExceptOnCreate'],
    ['TablesAppKeys', true, 'RetainExceptOnCreate'],
    ['TablesWebhookEndpoints', true, 'RetainExceptOnCreate'],
    ['TablesIdentities', true, 'RetainExceptOnCreate'],
  ]);
});

describe('the user pool', () => {
  const clientsOf = (template: Template) => ofType(template, 'AWS::Cognito::UserPoolClient');

  test('keeps its customers in prod, and is deleted with a dev stage', () => {
    const pool = (stage: 'dev' | 'prod') => only(stages[stage].data, 'AWS::Cognito::UserPool');
    expect(pool('prod')).toMatchObject({
      DeletionPolicy: 'RetainExceptOnCreate',
      Properties: { DeletionProtection: 'ACTIVE' },
    });
    expect(pool('dev')).toMatchObject({ DeletionPolicy: 'Delete', Properties: { DeletionProtection: 'INACTIVE' } });
    expect(pool('dev').Properties).toMatchObject({
      UserPoolTier: 'LITE',
      MfaConfiguration: 'OPTIONAL',
      EnabledMfas: ['SOFTWARE_TOKEN_MFA'],
      UserAttributeUpdateSettings: { AttributesRequireVerificationBeforeUpdate: ['email'] },
      Policies: { PasswordPolicy: { MinimumLength: 12 } },
    });
  });

  test('has clients for code with PKCE alone, without a secret, which do not tell who is a customer', () => {
    const context = { identityCallbacks: 'https://shop.example/callback,com.example.shop://signed-in' };
    const { data } = synthesized('prod', { context });
    expect(clientsOf(data).map(([, { Properties }]) => Properties.CallbackURLs)).toEqual([
      ['https://shop.example/callback'],
      ['com.example.shop://signed-in'],
    ]);
    for (const [, { Properties }] of clientsOf(data)) {
      expect(Properties).toMatchObject({
        GenerateSecret: false,
        AllowedOAuthFlows: ['code'],
        AllowedOAuthScopes: ['openid', 'email', 'profile'],
        ExplicitAuthFlows: ['ALLOW_REFRESH_TOKEN_AUTH'],
        PreventUserExistenceErrors: 'ENABLED',
        EnableTokenRevocation: true,
      });
    }
    const clients = Object.keys(data.Outputs).filter((name) => name.startsWith('Identity'));
    expect(clients.toSorted()).toEqual([
      'IdentityIssuer',
      'IdentityLoginUrl',
      'IdentityMobileClient',
      'IdentityWebClient',
    ]);
    expect(clientsOf(stages.prod.data)).toEqual([]);
  });

  test('lets nobody in where customers sign in elsewhere, and the functions know where', () => {
    const issuer = 'https://login.example.com/shop';
    const { data, service } = synthesized('prod', { context: { identityIssuer: issuer } });
    expect(ofType(data, 'AWS::Cognito::UserPool')).toHaveLength(1);
    for (const way of ['Client', 'Domain', 'IdentityProvider', 'UICustomizationAttachment']) {
      expect(ofType(data, `AWS::Cognito::UserPool${way}`)).toEqual([]);
    }
    expect(data.Outputs.IdentityIssuer).toEqual({ Value: issuer });
    const issuers = ofType(service, 'AWS::Lambda::Function').flatMap(
      ([, { Properties }]) => Properties.Environment?.Variables.IDENTITY_ISSUER ?? [],
    );
    expect(issuers.length).toBeGreaterThan(0);
    expect(new Set(issuers)).toEqual(new Set([issuer]));
  });
});
