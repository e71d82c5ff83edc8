import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readSettings } from '../../infra/settings.ts';
import { withThrowawayApp } from '../../infra/throwaway-app.ts';
import { databaseRoles } from '../../lib/contract/deploy/roles.ts';
import {
  functionOf,
  ofType,
  roleOf,
  stacksOf,
  statementsOf,
  stripeSecret,
  synthesized,
  webhookSecret,
} from './synthesized.ts';

const read = (context: Record<string, unknown>) => withThrowawayApp({ context }, (app) => readSettings(app.node));
const stripe = { paymentProvider: 'stripe', stripeSecretArn: stripeSecret, stripeWebhookSecretArn: webhookSecret };
const prod = { ...stripe, profile: 'prod', mailFrom: 'shop@example.com' };
const certificateArn = 'arn:aws:acm:eu-west-1:123456789012:certificate/0a1b2c3d-0000-1111-2222-333344445555';
const catalogCertificateArn = certificateArn.replace('eu-west-1', 'us-east-1');
const subnets = ['a', 'b', 'c'].map((zone, n) => `subnet-0000000${n}:eu-west-1${zone}:rtb-0000000${n}`);
const network = { vpcId: 'vpc-0123456789abcdef0', vpcSubnets: subnets.slice(0, 2).join(', ') };

describe('a stage with a network, a bus, a domain and a database of the shop’s choice', () => {
  const context = {
    ...network,
    vpcEndpointGroup: 'sg-0123456789abcdef0',
    eventBus: 'tea-shop/events',
    domainName: 'api.tea.example',
    certificateArn,
    catalogMaxAge: '60',
    catalogDomainName: 'catalog.tea.example',
    catalogCertificateArn,
    databaseCapacity: '1-8.5',
    readers: '1',
    backupDays: '14',
  };
  const templates = synthesized('dev', { context });
  const all = stacksOf(templates).map(([, template]) => template);
  const of = (type: string) =>
    all.flatMap((template) => ofType(template, type).map(([, { Properties }]) => Properties));

  test('makes no network, and puts database, proxy and functions into the shop’s', () => {
    for (const type of ['VPC', 'Subnet', 'RouteTable', 'VPCEndpoint', 'FlowLog', 'InternetGateway'])
      expect(of(`AWS::EC2::${type}`)).toEqual([]);
    const ids = ['subnet-00000000', 'subnet-00000001'];
    expect(of('AWS::RDS::DBSubnetGroup')).toMatchObject([{ SubnetIds: ids }]);
    expect(of('AWS::RDS::DBProxy')).toMatchObject([{ VpcSubnetIds: ids }]);
    for (const { VpcId } of of('AWS::EC2::SecurityGroup')) expect(VpcId).toBe(network.vpcId);
    const inside = of('AWS::Lambda::Function').flatMap(({ VpcConfig }) => VpcConfig ?? []);
    expect(inside.length).toBeGreaterThan(50);
    expect(JSON.stringify(inside[0].SubnetIds)).toContain('subnet-00000000');
    expect(
      of('AWS::EC2::SecurityGroupEgress').concat(
        of('AWS::EC2::SecurityGroup').flatMap(({ SecurityGroupEgress }) => SecurityGroupEgress ?? []),
      ),
    ).toContainEqual(expect.objectContaining({ DestinationSecurityGroupId: 'sg-0123456789abcdef0', ToPort: 443 }));
  });

  test('publishes to the shop’s bus, and listens there; its own is idle', () => {
    expect(of('AWS::Events::EventBus')).toMatchObject([{ Name: 'counterfoil-dev' }]);
    expect(templates.after.jobs).toContain('events');
    const named = of('AWS::Events::Rule').filter(({ EventBusName }) => EventBusName !== undefined);
    expect(named.length).toBeGreaterThan(3);
    expect(new Set(named.map(({ EventBusName }) => EventBusName))).toEqual(new Set(['tea-shop/events']));
    const variables = of('AWS::Lambda::Function').flatMap(
      ({ Environment }) => Environment?.Variables?.EVENT_BUS_NAME ?? [],
    );
    expect(new Set(variables)).toEqual(new Set(['tea-shop/events']));
    expect(JSON.stringify(of('AWS::IAM::Role'))).toContain(':event-bus/tea-shop/events');
  });

  test('answers under the shop’s name, and says what that must be an alias of', () => {
    expect(of('AWS::ApiGatewayV2::DomainName')).toMatchObject([
      {
        DomainName: 'api.tea.example',
        DomainNameConfigurations: [{ CertificateArn: certificateArn, SecurityPolicy: 'TLS_1_2' }],
      },
    ]);
    expect(of('AWS::ApiGatewayV2::ApiMapping')).toHaveLength(1);
    expect(templates.platform.Outputs).toHaveProperty('DomainTarget');
  });

  test('has its CDN under the shop’s name, with the certificate of that name', () => {
    expect(of('AWS::CloudFront::Distribution')).toMatchObject([
      {
        DistributionConfig: {
          Aliases: ['catalog.tea.example'],
          ViewerCertificate: { AcmCertificateArn: catalogCertificateArn, MinimumProtocolVersion: 'TLSv1.2_2021' },
        },
      },
    ]);
    expect(templates.platform.Outputs).toMatchObject({ CatalogUrl: { Value: 'https://catalog.tea.example' } });
    expect(templates.platform.Outputs).toHaveProperty('CatalogTarget');
  });

  test('has a database of that size, with a reader and backups for so long', () => {
    expect(of('AWS::RDS::DBCluster')).toMatchObject([
      { BackupRetentionPeriod: 14, ServerlessV2ScalingConfiguration: { MinCapacity: 1, MaxCapacity: 8.5 } },
    ]);
    expect(of('AWS::RDS::DBInstance')).toHaveLength(2);
    expect(of('AWS::RDS::DBProxyEndpoint')).toHaveLength(1);
  });
});

const database = {
  ...network,
  databaseHost: 'shop.abc.eu-west-1.rds.amazonaws.com',
  databaseGroup: 'sg-0123456789abcdef1',
};
const ownerSecret = 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:shop-database-AbCdEf';

describe.each([
  ['by IAM', { databaseResource: 'cluster-ABCDEFGHIJ0123456789' }],
  ['by passwords', { databaseSecretArn: ownerSecret, databasePort: '6543' }],
])('a stage whose roles log in to a database of the shop %s', (how, login) => {
  const byPassword = how === 'by passwords';
  const port = byPassword ? 6543 : 5432;
  const templates = synthesized('prod', {
    context: {
      ...database,
      vpcSubnets: subnets.join(','),
      databaseReader: 'readers.shop.abc.eu-west-1.rds.amazonaws.com',
      databaseName: 'tea',
      ...login,
    },
  });
  const all = stacksOf(templates).map(([, template]) => template);
  const of = (type: string) =>
    all.flatMap((template) => ofType(template, type).map(([, { Properties }]) => Properties));
  const { monitoring, service } = templates;
  const [, saga] = functionOf(service, 'prod', 'saga/reserve-stock');
  const rights = (handler: string) => statementsOf(service, roleOf(functionOf(service, 'prod', handler)[1]));

  test('makes no database, tells the functions of the shop’s, and is let into its group', () => {
    for (const type of ['DBCluster', 'DBInstance', 'DBProxy', 'DBSubnetGroup'])
      expect(of(`AWS::RDS::${type}`)).toEqual([]);
    expect(saga.Properties.Environment.Variables).toMatchObject({
      DATABASE_HOST: database.databaseHost,
      DATABASE_NAME: 'tea',
      NODE_EXTRA_CA_CERTS: '/var/runtime/ca-cert.pem',
    });
    const readers = of('AWS::Lambda::Function').flatMap(
      ({ Environment }) => Environment?.Variables?.DATABASE_READER_HOST ?? [],
    );
    expect(new Set(readers)).toEqual(new Set(['readers.shop.abc.eu-west-1.rds.amazonaws.com']));
    const rules = of('AWS::EC2::SecurityGroupIngress').filter(({ GroupId }) => GroupId === database.databaseGroup);
    expect(rules).toMatchObject([{ FromPort: port, ToPort: port, IpProtocol: 'tcp' }]);
    const ways = of('AWS::EC2::SecurityGroupEgress').concat(
      of('AWS::EC2::SecurityGroup').flatMap(({ SecurityGroupEgress }) => SecurityGroupEgress ?? []),
    );
    expect(ways).toContainEqual(
      expect.objectContaining({ DestinationSecurityGroupId: database.databaseGroup, FromPort: port, ToPort: port }),
    );
    expect(saga.Properties.Environment.Variables.DATABASE_PORT).toBe(byPassword ? '6543' : undefined);
  });

  test('gives a function the log-in of its role alone', () => {
    const logins = rights('saga/reserve-stock').filter(({ Action }) => /rds-db|secretsmanager/.test(Action.join()));
    expect(logins).toHaveLength(1);
    expect(JSON.stringify(logins)).toContain(
      byPassword ? ':secret:counterfoil/prod/database/saga-??????' : ':dbuser:cluster-ABCDEFGHIJ0123456789/saga',
    );
    const migrates = JSON.stringify(rights('jobs/migrate'));
    expect(migrates.includes(ownerSecret)).toBe(byPassword);
    expect(JSON.stringify(rights('http/place-order'))).not.toContain(ownerSecret);
  });

  test('has a secret for each role, under its key, and a way to them, where there are passwords', () => {
    const names = of('AWS::SecretsManager::Secret').map(({ Name }) => Name);
    expect(names).toEqual(byPassword ? databaseRoles.map((role) => `counterfoil/prod/database/${role}`) : []);
    for (const { KmsKeyId } of of('AWS::SecretsManager::Secret')) expect(KmsKeyId).toHaveProperty('Fn::GetAtt');
    const endpoints = JSON.stringify(of('AWS::EC2::VPCEndpoint').map(({ ServiceName }) => ServiceName));
    expect(endpoints.includes('secretsmanager')).toBe(byPassword);
  });

  test('leaves backups and alarms of the database to the shop, and backs its tables up', () => {
    expect(of('AWS::Backup::RestoreTestingPlan')).toEqual([]);
    const [{ BackupSelection }] = of('AWS::Backup::BackupSelection');
    expect(JSON.stringify(BackupSelection.Resources)).toContain('Tables');
    expect(JSON.stringify(monitoring)).not.toContain('DBClusterIdentifier');
  });
});

describe('a stage whose metrics Prometheus reads', () => {
  const metricsSecretArn = stripeSecret.replace('stripe', 'metrics');
  const { service } = synthesized('dev', { context: { metricsSecretArn } });
  const routesOf = (template: typeof service) =>
    ofType(template, 'AWS::ApiGatewayV2::Route').filter(([, { Properties }]) => Properties.RouteKey === 'GET /metrics');

  test('answers one path by a function that may read metrics and its token, and nothing else', () => {
    expect(routesOf(service)).toHaveLength(1);
    const [, fn] = functionOf(service, 'dev', 'jobs/serve-metrics');
    expect(fn.Properties).not.toHaveProperty('VpcConfig');
    expect(fn.Properties.Environment.Variables).toEqual({ STAGE: 'dev', METRICS_SECRET_ARN: metricsSecretArn });
    const rights = statementsOf(service, roleOf(fn)).map(({ Action, Resource }) => [[Action].flat().join(), Resource]);
    expect(rights).toEqual([
      ['logs:CreateLogStream,logs:PutLogEvents', expect.anything()],
      ['secretsmanager:GetSecretValue', [metricsSecretArn]],
      ['cloudwatch:GetMetricData,cloudwatch:ListMetrics', ['*']],
    ]);
  });

  test('is an exception: without a token there is neither path nor function', () => {
    const without = synthesized('dev').service;
    expect(routesOf(without)).toEqual([]);
    expect(functionOf(without, 'dev', 'jobs/serve-metrics')).toBeUndefined();
    expect(/cloudwatch:GetMetricData/.test(JSON.stringify(without))).toBe(false);
    expect(() => read({ metricsSecretArn: 'a-token' })).toThrow('is not the full ARN of a secret');
  });
});

test.each<[string, Record<string, string>, string]>([
  ['a domain without a certificate', { domainName: 'api.tea.example' }, 'a domain takes both'],
  ['a certificate without a domain', { certificateArn }, 'a domain takes both'],
  ['an address as a domain', { domainName: 'https://api.tea.example', certificateArn }, 'is not the name of a host'],
  [
    'a name of the CDN without a CDN',
    { catalogDomainName: 'c.tea.example', catalogCertificateArn },
    'pass -c catalogMaxAge=',
  ],
  [
    'a certificate of the CDN elsewhere',
    { catalogMaxAge: '60', catalogDomainName: 'c.tea.example', catalogCertificateArn: certificateArn },
    'certificates of us-east-1 alone',
  ],
  [
    'one name for the API and the CDN',
    {
      catalogMaxAge: '60',
      domainName: 'api.tea.example',
      certificateArn,
      catalogDomainName: 'api.tea.example',
      catalogCertificateArn,
    },
    'give the CDN a name of its own',
  ],
  [
    'a database outside a network',
    { databaseHost: database.databaseHost, databaseSecretArn: ownerSecret },
    'pass -c vpcId=',
  ],
  ['a database without log-ins', database, 'takes one of two'],
  [
    'a database with two ways to log in',
    { ...database, databaseSecretArn: ownerSecret, databaseResource: 'db-ABCDEFGHIJ' },
    'takes one of two',
  ],
  [
    'readers of a database that the shop has',
    { ...database, databaseSecretArn: ownerSecret, readers: '1' },
    'set it at databaseHost',
  ],
  ['what belongs to a database without one', { databaseName: 'tea' }, 'pass -c databaseHost='],
  ['a port without a database', { databasePort: '6543' }, 'pass -c databaseHost='],
  ['a port that is none', { ...database, databaseSecretArn: ownerSecret, databasePort: '70000' }, 'at most 65535'],
  [
    'an RDS Proxy on another port',
    { ...database, databaseResource: 'prx-0123456789abcdef0', databasePort: '6543' },
    'leave out databasePort',
  ],
  ['AWS’s own bus', { eventBus: 'default' }, 'make a bus for the domain events'],
  ['a partner’s bus', { eventBus: 'aws.partner/x' }, 'is not the name of a bus'],
  ['subnets without their network', { vpcSubnets: subnets[0]! }, 'pass -c vpcId='],
  ['a network without subnets', { vpcId: network.vpcId }, 'in at least two zones'],
  [
    'a database that PostgreSQL or RDS has for itself',
    { ...database, databaseSecretArn: ownerSecret, databaseName: 'postgres' },
    'is not the stage’s to make',
  ],
  [
    'a subnet twice',
    { ...network, vpcSubnets: `${subnets[0]},${subnets[0]!.replace('eu-west-1a', 'eu-west-1b')}` },
    'names subnet-00000000 twice',
  ],
  ['a name of a host that is too long', { domainName: `${'a'.repeat(64)}.example`, certificateArn }, 'is not the name'],
  ['subnets in one zone', { ...network, vpcSubnets: `${subnets[0]},${subnets[0]}` }, 'in at least two zones'],
  [
    'a subnet without its route table',
    { ...network, vpcSubnets: 'subnet-00000000:eu-west-1a' },
    'which is not subnet-…:zone:rtb-…',
  ],
  ['zones beside subnets', { ...network, zones: 'eu-west-1a,eu-west-1b' }, 'leave out zones'],
  ['fewer zones than endpoints', { ...prod, ...network }, 'name a subnet in each'],
  ['a capacity that is no range', { databaseCapacity: '4' }, 'is a range of units'],
  ['a capacity in thirds', { databaseCapacity: '0.3-4' }, 'is a range of units'],
  ['a capacity upside down', { databaseCapacity: '8-2' }, 'is a range of units'],
  ['a database that pauses behind a proxy', { databaseCapacity: '0-4' }, 'never pauses'],
  ['readers without a proxy', { ...stripe, profile: 'small', readers: '1' }, 'leave out readers'],
  ['half a reader', { readers: '0.5' }, 'a whole number from 0 to 15'],
  ['backups of prod for a day', { ...prod, backupDays: '1' }, 'a whole number from 7 to 35'],
])('%s is refused with what to do instead', (_, context, words) => {
  expect(() => read(context)).toThrow(words);
});

test('a file of the shop has settings, those of the command line come before them, and names that are none are refused', () => {
  const file = join(mkdtempSync(join(tmpdir(), 'settings-')), 'shop.json');
  const of = (values: unknown, context = {}) => {
    writeFileSync(file, JSON.stringify(values));
    return read({ settings: file, ...context });
  };
  const shop = { readers: 1, databaseCapacity: '1-4', eventBus: 'tea', cache: 'off' };
  expect(of(shop)).toMatchObject({
    profile: { readers: 1 },
    brought: { eventBus: 'tea' },
    variables: { CACHE: 'off' },
  });
  expect(of(shop, { eventBus: 'coffee' }).brought).toEqual({ eventBus: 'coffee' });
  expect(() => of({ reader: 1 })).toThrow('the file of settings has "reader", which is no setting');
  expect(() => of([])).toThrow('is not a JSON object');
  expect(() => read({ settings: `${file}.none` })).toThrow('cannot be read');
});
