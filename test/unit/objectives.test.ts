import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { routes } from '../../functions/routes.ts';
import { missedObjective, objectiveShare, objectives } from '../../lib/contract/deploy/objectives.ts';

test.each([
  ['place-order', 201, 4999, undefined],
  ['place-order', 202, 5001, 'orders-latency'],
  ['place-order', 503, 10, 'orders-availability'],
  // Its caller's fault is answered, in time or late.
  ['place-order', 409, 10, undefined],
  ['place-order', 422, 6000, 'orders-latency'],
  ['get-order', 200, 1001, 'reads-latency'],
  ['list-products', 500, 9000, 'reads-availability'],
  ['sign-in', 500, 9000, undefined],
])('%s with %i after %i ms misses %s', (operation, status, milliseconds, missed) => {
  expect(missedObjective(operation, status, milliseconds)).toBe(missed);
});

test('docs/objectives.md says what is measured', () => {
  const page = readFileSync(new URL('../../docs/objectives.md', import.meta.url), 'utf8');
  expect(page).toContain(`${objectiveShare * 100} %`);
  for (const [name, { operations, withinMs }] of Object.entries(objectives)) {
    const [row] = page.split('\n').filter((line) => line.startsWith(`| ${name}, availability`));
    for (const operation of operations) {
      const { method, path } = Object.values(routes).find((route) => route.operation === operation)!;
      expect(row, operation).toContain(`\`${method} ${path}\``);
    }
    const late = page.split('\n').find((line) => line.startsWith(`| ${name}, latency`));
    expect(late).toContain(`within ${withinMs / 1000} s`);
  }
});
