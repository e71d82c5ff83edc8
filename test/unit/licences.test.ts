import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { type Lock, refusedLicences } from '../../infra/tools/lint-licences.ts';

const lock = JSON.parse(readFileSync(new URL('../../package-lock.json', import.meta.url), 'utf8')) as Lock;
const refused = (packages: Lock['packages']) => refusedLicences({ packages });

test('every package has a licence that its use allows', () => {
  expect(refusedLicences(lock)).toEqual([]);
  expect(Object.keys(lock.packages).length).toBeGreaterThan(300);
});

test('a licence that asks for more than a notice is refused, by package, and more so where it is deployed', () => {
  expect(refused({ 'node_modules/a': { version: '1.0.0', license: 'GPL-3.0-only' } })).toEqual([
    'a@1.0.0: GPL-3.0-only, and it is deployed',
  ]);
  expect(refused({ 'node_modules/b/node_modules/@c/d': { version: '2.0.0', license: 'MPL-2.0' } })).toEqual([
    '@c/d@2.0.0: MPL-2.0, and it is deployed',
  ]);
  expect(refused({ 'node_modules/d': { version: '2.0.0', license: 'MPL-2.0', dev: true } })).toEqual([]);
  expect(refused({ 'node_modules/e': { version: '1.0.0' } })).toEqual(['e@1.0.0: no licence, and it is deployed']);
});

test('of licences to choose from one must be allowed, of licences that all hold each', () => {
  expect(refused({ 'node_modules/a': { version: '1.0.0', license: '(MIT OR GPL-3.0-or-later)' } })).toEqual([]);
  expect(refused({ 'node_modules/a': { version: '1.0.0', license: 'MIT AND GPL-3.0-or-later' } })).toHaveLength(1);
});
