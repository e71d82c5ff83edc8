import { expect, test } from 'vitest';
import { differences, propertiesOf } from './properties.ts';
import { type Resource, stacksOf, synthesized, type Template } from './synthesized.ts';

/** Both are written anew by `npm run record:properties`. */
const fileOf = (profile: string) => new URL(`properties/${profile}.txt`, import.meta.url).pathname;
const prod = { templates: stacksOf(synthesized('prod')), stage: 'prod' };

test('what is deployed in prod has the recorded properties', async () => {
  await expect(propertiesOf(prod.templates, 'prod')).toMatchFileSnapshot(fileOf('prod'));
});

test.each(['dev', 'staging', 'small'] as const)('%s differs from prod as recorded', async (profile) => {
  await expect(differences(stacksOf(synthesized(profile)), profile, prod)).toMatchFileSnapshot(fileOf(profile));
});

test('a change of one resource is a line that names resource, property and value, and what each release changes is none', () => {
  const linesOf = (templates: [string, Template][]): string[] => {
    let title = '';
    return propertiesOf(templates, 'prod')
      .split('\n')
      .map((line) => {
        if (!line.startsWith(' ')) title = line;
        return line.startsWith(' ') ? `${title} |${line}` : line;
      });
  };
  const before = linesOf(prod.templates);
  const changed = (stack: string, id: RegExp, change: (resource: Resource) => void): string[] => {
    const templates = structuredClone(prod.templates) as [string, Template][];
    const { Resources } = templates.find(([name]) => name === stack)![1];
    change(Resources[Object.keys(Resources).find((each) => id.test(each))!]!);
    const after = linesOf(templates);
    return [
      ...before.filter((line) => !after.includes(line)).map((line) => `- ${line}`),
      ...after.filter((line) => !before.includes(line)).map((line) => `+ ${line}`),
    ];
  };
  expect(
    changed('shop', /^ShopPlaceOrderRole/, ({ Properties }) => {
      Properties.Policies[0].PolicyDocument.Statement.push({ Effect: 'Allow', Action: 's3:*', Resource: '*' });
    }),
  ).toEqual(['+ IAM::Role ShopPlaceOrderRole |  allow s3:* on *']);
  expect(
    changed('data', /^DatabaseCluster[0-9A-F]{8}$/, ({ Properties }) => (Properties.StorageEncrypted = false)),
  ).toEqual([
    '- RDS::DBCluster DatabaseCluster |  StorageEncrypted = true',
    '+ RDS::DBCluster DatabaseCluster |  StorageEncrypted = false',
  ]);
  expect(changed('data', /^TablesApplications[0-9A-F]{8}$/, (table) => (table.DeletionPolicy = 'Delete'))).toEqual([
    '- DynamoDB::Table TablesApplications |  DeletionPolicy = RetainExceptOnCreate',
  ]);
  expect(changed('shop', /^ShopPlaceOrderFunction[0-9A-F]{8}$/, ({ Properties }) => (Properties.Timeout = 28))).toEqual(
    [
      '- Lambda::Function ShopPlaceOrderFunction |  Timeout = 29',
      '+ Lambda::Function ShopPlaceOrderFunction |  Timeout = 28',
    ],
  );
  const ofRelease = ({ Properties }: Resource) => {
    Properties.Code = { S3Key: 'another.zip' };
    Properties.Environment.Variables.RELEASE = '2.0.0';
  };
  expect(changed('operations', /^OperationsGetHealthFunction/, ofRelease)).toEqual([]);
});
