import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { expect, test } from 'vitest';

const folder = resolve(import.meta.dirname, '../../examples');
const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
  (name) => name.endsWith('.ts') && !/(^|\/)(node_modules|generated)\//.test(name),
);

const imports = files.flatMap((file) =>
  [...readFileSync(join(folder, file), 'utf8').matchAll(/\bfrom '(\.[^']+)'/g)].map((m) => ({
    file,
    target: relative(folder, resolve(folder, dirname(file), m[1]!)),
  })),
);
const isChoreography = ({ file }: { file: string }) => /^(choreography\/|test\/choreography\.)/.test(file);

test('the examples use the API alone, and none of the code behind it', () => {
  const clients = imports.filter((one) => !isChoreography(one));
  expect(clients.length).toBeGreaterThan(10);
  expect(clients.filter(({ target }) => target.startsWith('../'))).toEqual([]);
});

test('the choreography takes from the product what a consumer has, and the laptop’s services, but no room of the shop', () => {
  const taken = imports
    .filter((one) => isChoreography(one) && one.target.startsWith('../'))
    .map(({ target }) => target);
  expect([...new Set(taken)].toSorted()).toEqual([
    '../infra/events.ts',
    '../infra/local/bus/start.ts',
    '../infra/local/postgres/start.ts',
    '../lib/contract/api/common.ts',
    '../lib/contract/events/define-event.ts',
    '../lib/kernel/clock.ts',
    '../lib/kernel/ids.ts',
    '../lib/platform/handlers/consumer.ts',
  ]);
});
