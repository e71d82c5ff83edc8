import { readFileSync } from 'node:fs';
import { CfnOutput } from 'aws-cdk-lib';
import { expect, test } from 'vitest';
import type { Stacks } from '../../infra/stage.ts';
import { type Lasting, lastingOf, losses, readRecord, stageProfiles } from './lasting.ts';
import { stacksOf, synthesized, type Template } from './synthesized.ts';

const record = readRecord();
const of = (profile: (typeof stageProfiles)[number], also?: (stacks: Stacks) => void): Lasting =>
  lastingOf(stacksOf(synthesized(profile, also === undefined ? {} : { also })));

test.each(stageProfiles)('an upgrade of %s drops and replaces nothing that keeps data', (profile) => {
  expect(losses(record[profile], of(profile))).toEqual([]);
});

test('the record has what a stage keeps data in: tables, cluster, user pool, key, vault, queues', () => {
  const types = (profile: 'dev' | 'prod') =>
    new Set(Object.values(record[profile].resources).map(({ Type }) => Type as string));
  const everywhere = [
    'DynamoDB::Table',
    'RDS::DBCluster',
    'Cognito::UserPool',
    'SQS::Queue',
    'EC2::VPC',
    'Events::Archive',
  ];
  for (const type of everywhere) expect(types('dev')).toContain(`AWS::${type}`);
  for (const type of [...everywhere, 'KMS::Key', 'Backup::BackupVault'])
    expect(types('prod')).toContain(`AWS::${type}`);
  for (const name of ['data DatabaseCluster5B53A178', 'data IdentityUsers61009EFD', 'data Key961B73FD'])
    expect(record.prod.resources[name], name).toMatchObject({ UpdateReplacePolicy: 'Retain' });
});

test('a table that gets another id, another key or another name is refused, and so is one that is no longer kept', () => {
  const name = 'AWS::DynamoDB::Table "data TablesApplications"';
  const changed = (change: (resources: Template['Resources'], id: string) => void) => {
    const templates = structuredClone(stacksOf(synthesized('prod')));
    const { Resources } = templates.find(([stack]) => stack === 'data')![1];
    change(Resources, Object.keys(Resources).find((id) => /^TablesApplications[0-9A-F]{8}$/.test(id))!);
    const found = losses(record.prod, lastingOf(templates)).filter((line) => !line.startsWith('export '));
    return found.map((line) => line.split('. ')[0]!.replace(/(?<=TablesApplications)[0-9A-F]{8}/, ''));
  };
  expect(
    changed((resources, id) => {
      resources.Another = resources[id]!;
      delete resources[id];
    }),
  ).toEqual([`${name} is dropped`]);
  expect(changed((resources, id) => (resources[id]!.Properties.KeySchema[0].KeyType = 'RANGE'))).toEqual([
    `${name} is replaced, for KeySchema`,
  ]);
  expect(
    changed((resources, id) => {
      const { KeySchema, AttributeDefinitions } = resources[id]!.Properties;
      const key = AttributeDefinitions.find(
        (each: { AttributeName: string }) => each.AttributeName === KeySchema[0].AttributeName,
      );
      key.AttributeType = 'N';
    }),
  ).toEqual([`${name} is replaced, for AttributeDefinitions`]);
  expect(changed((resources, id) => (resources[id]!.Properties.TableName = 'apps'))).toEqual([
    `${name} is replaced, for TableName`,
  ]);
  expect(changed((resources, id) => (resources[id]!.UpdateReplacePolicy = 'Delete'))).toEqual([
    `${name} has UpdateReplacePolicy Delete, had Retain`,
  ]);
  expect(changed((resources, id) => (resources[id]!.Properties.BillingMode = 'PROVISIONED'))).toEqual([]);
});

test('an export that goes or changes under its importers is refused, and a new one is not', () => {
  const before: Lasting = { resources: {}, exports: { 'one:A': { Ref: 'A' } } };
  expect(losses(before, { resources: {}, exports: {} })).toEqual([
    expect.stringMatching(/^export "one:A" is dropped\. .*exportValue/),
  ]);
  expect(losses(before, { resources: {}, exports: { 'one:A': { Ref: 'B' } } })).toEqual([
    expect.stringMatching(/^export "one:A" stands for something else\. /),
  ]);
  const added = of('dev', ({ data }) => void new CfnOutput(data, 'More', { value: 'x', exportName: 'more' }));
  expect(losses(record.dev, added)).toEqual([]);
  const renamed = of('dev', ({ data }) => {
    const outputs = data.node.findChild('Exports').node.children.filter((child) => child instanceof CfnOutput);
    outputs[0]!.exportName = 'another';
  });
  expect(losses(record.dev, renamed)).toEqual([
    expect.stringMatching(/^export "counterfoil-dev-data:.*" is dropped\. /),
  ]);
});

test('the page of releases says how to record', () => {
  const page = readFileSync(new URL('../../docs/releases.md', import.meta.url), 'utf8');
  expect(page).toContain('npm run record:lasting');
});
