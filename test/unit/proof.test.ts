import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '../..');
const read = (file: string): string => readFileSync(join(root, file), 'utf8');

/** Rows of the table of faults: what goes wrong, the check, and the test that plants it. */
const rows = read('docs/proof.md')
  .split('\n## What is refused\n')[1]!
  .split('\n## ')[0]!
  .split('\n')
  .filter((line) => line.startsWith('| ') && !line.startsWith('| ---') && !line.startsWith('| fault'))
  .map((line) => line.split('|').map((cell) => cell.trim()))
  .map(([, fault, check, planted]) => ({ fault: fault!, check: check!, planted: planted! }));

const faults = [
  'a permission is missing',
  'RDS Proxy lost its policy',
  'an alarm on a metric that nobody emits',
  'a dangerous migration',
  'a breaking change of the API',
  'a dropped export',
  'a replaced table',
  'a prod stage with simulated payments',
];

test('the page names a check for each fault that a deployment must not have', () => {
  const named = rows.map(({ fault }) => fault);
  expect(named).toEqual(expect.arrayContaining(faults));
  expect(new Set(named).size).toBe(named.length);
});

test.each(rows)('$fault: the test that plants it is there, and the check is a script', ({ check, planted }) => {
  const [, file, title] = /^`(test\/[\w./-]+\.ts)` “(.+)”$/.exec(planted) ?? [];
  expect(existsSync(join(root, file ?? 'none')), planted).toBe(true);
  expect(read(file!)).toContain(title);
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
  for (const [, name] of check.matchAll(/npm run ([\w:-]+)/g)) expect(scripts[name!], check).toBeDefined();
});
