import { expect, test } from 'vitest';
import { describeDiffs, type StackDiff, type Template } from '../../infra/release/template-diff.ts';

const migrations = (Newest: string, Content = Newest): Template => ({
  Resources: { Applied: { Type: 'Custom::CounterfoilMigrations', Properties: { Newest, Content } } },
});
const same = { before: migrations('0024_health'), after: migrations('0024_health') };
const table = (name: string): Template => ({
  Resources: { Table: { Type: 'AWS::DynamoDB::Table', Properties: { name } } },
});
const changed = (text: string): StackDiff => ({ stack: 'data', before: table('a'), after: table('b'), text });

test('a change that changes no stack says so, and that the database is left alone', () => {
  expect(describeDiffs('prod', [{ stack: 'platform', ...same }])).toBe(
    '### prod: no stack changes\n\n- Migrations: none; the database is left alone\n',
  );
});

test.each([
  [
    'a newer migration',
    migrations('0024_health'),
    migrations('0025_names'),
    'from 0024_health to 0025_names, before new code serves',
  ],
  [
    'a changed file',
    migrations('0024_health', 'x'),
    migrations('0024_health', 'y'),
    'the files up to 0024_health changed',
  ],
  ['a new stage', undefined, migrations('0024_health'), 'all to 0024_health, in a new database'],
])('%s is named', (_, before, after, words) => {
  const diff = { stack: 'platform', after, ...(before && { before }), text: '' };
  expect(describeDiffs('prod', [diff])).toContain(`- Migrations: ${words}\n`);
});

test('what is replaced or destroyed stands above the differences, and only that', () => {
  const text = [
    'Resources',
    '[~] AWS::DynamoDB::Table Table TableCD117FA1 replace',
    ' ├─ [~] TableName (requires replacement)',
    '[-] AWS::SQS::Queue Old destroy',
    '[-] AWS::RDS::DBCluster Kept orphan',
    '[~] AWS::Lambda::Function F',
  ].join('\n');
  const shown = describeDiffs('prod', [changed(text), { stack: 'platform', ...same }]);
  expect(shown.split('\n').filter((line) => line.startsWith('- **'))).toEqual([
    '- **data: [~] AWS::DynamoDB::Table Table TableCD117FA1 replace**',
    '- **data: [-] AWS::SQS::Queue Old destroy**',
    '- **data: [-] AWS::RDS::DBCluster Kept orphan**',
  ]);
  expect(shown).toContain('### prod: 1 of 2 stacks change');
});

test('a stack that is gone is named, and a new one is shown', () => {
  const shown = describeDiffs('dev', [
    { stack: 'old', before: table('a') },
    { stack: 'new', after: table('a') },
  ]);
  expect(shown).toContain('- **old is gone**');
  expect(shown).toContain('A new stack.');
});

test('the differences fit into a comment, and cannot end the block that they stand in', () => {
  const shown = describeDiffs('prod', [changed('x'.repeat(100_000)), { ...changed('``` <b>'), stack: 'late' }]);
  expect(shown.length).toBeLessThan(65_536);
  expect(shown).toContain('… cut: the artefact has all of it');
  expect(describeDiffs('prod', [changed('``` <b>')]).match(/```/g)).toHaveLength(2);
});
