import { expect, test } from 'vitest';
import { jobs } from '../../functions/jobs.ts';
import {
  dynamoRetention,
  expires,
  keepers,
  logRetention,
  otherRetention,
} from '../../lib/contract/deploy/retention.ts';
import { type TableName, tables } from '../../lib/contract/deploy/tables.ts';
import { type Resource, stacksOf, synthesized } from './synthesized.ts';

/** Resources of a type in all stacks of a stage, by their logical ids. */
const resources = (stage: 'dev' | 'prod', ...types: string[]): [string, Resource][] =>
  stacksOf(synthesized(stage)).flatMap(([, { Resources }]) =>
    Object.entries(Resources).filter(([, { Type }]) => types.includes(Type)),
  );

const stages = ['dev', 'prod'] as const;

test('every table of DynamoDB and every global index has a rule', () => {
  const indexes = stages.flatMap((stage) =>
    resources(stage, 'AWS::DynamoDB::Table', 'AWS::DynamoDB::GlobalTable').flatMap(([id, { Properties }]) =>
      (Properties.GlobalSecondaryIndexes ?? []).map(({ IndexName }: { IndexName: string }) => {
        const table = Object.keys(tables).find((name) => id.toLowerCase().startsWith(`tables${name.toLowerCase()}`));
        return `${table}/${IndexName}`;
      }),
    ),
  );
  expect(Object.keys(dynamoRetention).toSorted()).toEqual(
    [...Object.keys(tables), ...new Set(indexes as string[])].toSorted(),
  );
});

test.each(Object.keys(tables) as TableName[])('DynamoDB ends the items of %s exactly if its rule says so', (table) => {
  expect(dynamoRetention[table].by === keepers.ttl).toBe(expires(table));
});

test.each(stages)('every log group of %s has one rule, and is kept as long as it says', (stage) => {
  const groups = resources(stage, 'AWS::Logs::LogGroup');
  expect(groups.length).toBeGreaterThan(20);
  const used = new Set<string>();
  for (const [id, { Properties }] of groups) {
    const name = String(Properties.LogGroupName ?? id.replace(/^.*(RejectedTraffic).*$/, '$1')).replaceAll(
      stage,
      'stage',
    );
    const rules = Object.entries(logRetention).filter(([, { groups: pattern }]) => pattern.test(name));
    expect(
      rules.map(([rule]) => rule),
      name,
    ).toHaveLength(1);
    used.add(rules[0]![0]);
    expect(rules[0]![1].kept).toContain(`${Properties.RetentionInDays}`);
  }
  if (stage === 'prod') expect([...used].toSorted()).toEqual(Object.keys(logRetention).toSorted());
});

test.each(stages)('every queue, archive of events and bucket of %s has a rule', (stage) => {
  const found = resources(stage, 'AWS::SQS::Queue', 'AWS::Events::Archive', 'AWS::S3::Bucket');
  expect(found.length).toBeGreaterThan(2);
  for (const [id, { Type, Properties }] of found) {
    const rules = Object.entries(otherRetention).filter(([name]) => id.replace(/[0-9A-F]{8}$/, '').endsWith(name));
    expect(
      rules.map(([name]) => name),
      `${Type} ${id}`,
    ).toHaveLength(1);
    const days = Properties.RetentionDays ?? (Properties.MessageRetentionPeriod ?? 0) / 86_400;
    if (Type !== 'AWS::S3::Bucket') expect(rules[0]![1].kept).toBe(`${days} days`);
  }
});

test('what ends a record is a job that exists, or somebody else who is known', () => {
  const known = new Set<string>([...Object.keys(jobs), ...Object.values(keepers)]);
  const rules = [dynamoRetention, logRetention, otherRetention].flatMap((table) => Object.entries(table));
  for (const [name, { kept, why, by }] of rules) {
    expect(kept.length * why.length, name).toBeGreaterThan(0);
    expect(known, name).toContain(by);
  }
});
