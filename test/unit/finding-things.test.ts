import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { routes } from '../../functions/routes.ts';
import { type StepName, steps } from '../../functions/steps.ts';
import { type OperationId, operations } from '../../lib/contract/api/operations.ts';
import { databaseRoles } from '../../lib/contract/deploy/roles.ts';
import type { Route } from '../../lib/contract/deploy/route.ts';
import { domainEvents } from '../../lib/contract/events/domain-events.ts';

const root = resolve(import.meta.dirname, '../..');
const read = (file: string): string => readFileSync(join(root, file), 'utf8');
const ids = Object.keys(operations) as OperationId[];
const kebab = (name: string): string =>
  name.replace(/[A-Z]/g, (letter, at: number) => `${at === 0 ? '' : '-'}${letter.toLowerCase()}`);
const camel = (name: string): string => name.replace(/[-._](\w)/g, (_, letter: string) => letter.toUpperCase());

describe('the table "Where to find things" of docs/architecture.md', () => {
  const section = /^## Where to find things\n([\s\S]*?)^## /m.exec(read('docs/architecture.md'))![1]!;
  const rows = section
    .split('\n')
    .filter((line) => line.startsWith('| ') && !/^\| (---|you look for)/.test(line))
    .map((line) => line.split('|').map((cell) => cell.trim()))
    .map(([, question, rule, example]) => ({ question: question!, rule: rule!, example: example! }));

  test('answers every question', () => {
    expect(rows.map(({ question }) => question)).toEqual([
      'the handler of an endpoint',
      'its schema',
      'its SQL',
      'the step that compensates a charge',
      'the metric of stock-outs',
      'the alarm on it',
      'the role that may refund',
      'the event of a cancelled order',
    ]);
  });

  test.each(rows)('names for $question a file that exists and contains the name', ({ example }) => {
    const [, name, file] = /^`([\w-]+)` in `([\w./-]+)`$/.exec(example) ?? [];
    expect(name, example).toBeDefined();
    expect(read(file!)).toMatch(new RegExp(`(?<![\\w-])${name}(?![\\w-])`));
  });
});

describe('an endpoint', () => {
  const contracts = globSync('lib/contract/api/*.ts', { cwd: root });
  const contractFile = (id: OperationId): string[] =>
    contracts.filter((file) => new RegExp(`^export const ${camel(id)} = \\{`, 'm').test(read(file)));

  test.each(ids)('%s has its handler in the file of its name', (id) => {
    expect(existsSync(join(root, `functions/http/${id}.ts`))).toBe(true);
    expect((routes as Record<string, Route>)[id]?.handler).toBe(`http/${id}`);
  });

  test('has no handler without an operation', () => {
    const handlers = globSync('functions/http/*.ts', { cwd: root }).map((file) => file.slice(15, -3));
    expect(handlers.filter((name) => !(name in routes))).toEqual([]);
  });

  test.each(ids)('%s has its schema in one contract file, which its handler imports', (id) => {
    const [file, ...others] = contractFile(id);
    expect(others).toEqual([]);
    expect(importsOf(`functions/http/${id}.ts`)).toContain(file);
  });

  // get-health asks whether the database answers, and reads nothing of a domain.
  const withRole = ids.filter((id) => id !== 'get-health' && (routes as Record<string, Route>)[id]?.databaseRole);

  test.each(withRole)('%s reaches its SQL in at most two imports', (id) => {
    const direct = importsOf(`functions/http/${id}.ts`).filter(inDomain);
    const reached = [...direct, ...direct.flatMap((file) => importsOf(file).filter(inDomain))];
    expect(reached.filter((file) => file.endsWith('.sql.ts'))).not.toEqual([]);
  });
});

describe('a step of the saga', () => {
  test.each(Object.entries(steps))('%s has its handler in the file of its name', (name, { handler }) => {
    expect(handler).toBe(`saga/${kebab(name)}`);
    expect(read(`functions/${handler}.ts`)).toContain(`steps.${name},`);
  });

  test('names the step that compensates it', () => {
    const compensating = Object.values(steps).map(({ compensatedBy }) => compensatedBy as StepName | null);
    expect(compensating.filter((name) => name !== null && !(name in steps))).toEqual([]);
    expect(steps.ChargePayment.compensatedBy).toBe('RefundPayment');
  });
});

test('the role that may refund is the role of its endpoint', () => {
  expect(routes['request-refund'].databaseRole).toBe('refunds_api');
  expect(databaseRoles).toContain('refunds_api');
});

test('the alarm on stock-outs looks at their metric', () => {
  const alarm = /\{[^{}]*name: 'stock-outs'[^{}]*\}/.exec(read('infra/monitoring/alarms/orders.ts'))?.[0];
  expect(alarm).toContain("ours('StockOuts'");
});

test.each(domainEvents.map(({ type }) => type))('the event %s is exported under its type', (type) => {
  const name = camel(type);
  expect(read('lib/contract/events/domain-events.ts')).toContain(`export const ${name} = defineEvent('${type}',`);
});

/** Files of the repository that a file imports. */
function importsOf(file: string): string[] {
  const specifiers = [...read(file).matchAll(/\bfrom '(\.{1,2}\/[^']+)'/g)].map((m) => m[1]!);
  return specifiers.map((path) => relative(root, resolve(root, dirname(file), path)));
}

/** Whether a file belongs to a domain, and not to what all handlers share. */
const inDomain = (file: string): boolean => /^lib\/(shop|saga|auth|accounts|events|operations|analytics)\//.test(file);
