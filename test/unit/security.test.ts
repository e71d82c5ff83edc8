import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { routes } from '../../functions/routes.ts';
import type { OperationContract } from '../../lib/contract/api/operation.ts';
import { operations } from '../../lib/contract/api/operations.ts';

const root = resolve(import.meta.dirname, '../..');
const read = (file: string): string => readFileSync(join(root, file), 'utf8');

/** The tests that docs/security.md names: a file, followed by titles in typographic quotes. */
const claims = [
  ...read('docs/security.md')
    .replaceAll(/\s+/g, ' ')
    .matchAll(/`(test\/[\w./-]+\.test\.ts)`([^`|]*)/g),
].map(([, file, rest]) => ({ file: file!, titles: [...rest!.matchAll(/“([^”]+)”/g)].map(([, title]) => title!) }));

test('the page on security names tests for every kind of threat', () => {
  expect(claims.flatMap(({ titles }) => titles).length).toBeGreaterThan(60);
  for (const i of Array.from({ length: 10 }, (_, n) => n + 1)) {
    expect(read('docs/security.md'), `API${i}`).toMatch(new RegExp(`^\\| API${i} .*\`test/`, 'm'));
  }
});

test('every test that the page on security names is there, under that title', () => {
  const missing = claims.flatMap(({ file, titles }) => {
    if (!existsSync(join(root, file))) return [file];
    const source = read(file);
    return titles.filter((title) => !source.includes(title)).map((title) => `${file}: ${title}`);
  });
  expect(missing).toEqual([]);
});

test('every folder and file of the code that the page on security names is there', () => {
  const named = [...read('docs/security.md').matchAll(/`((?:lib|infra|functions)\/[\w./-]*)`/g)].map(
    ([, path]) => path!,
  );
  expect(named.filter((path) => !existsSync(join(root, path)))).toEqual([]);
});

test('no answer with personal fields is stored for replay', () => {
  // The stored answer is text, so personal fields could not be left out for another application.
  const contracts: [string, OperationContract][] = Object.entries(operations);
  const both = contracts.filter(([, { personal, idempotency }]) => personal !== undefined && idempotency !== undefined);
  expect(contracts.some(([, { personal }]) => personal !== undefined)).toBe(true);
  expect(both.map(([operation]) => operation)).toEqual([]);
});

test('only the intended operations need no scope', () => {
  const free = Object.values(routes).filter(({ scopes }) => scopes.length === 0);
  expect(free.map(({ operation, auth }) => `${auth} ${operation}`).toSorted()).toEqual(
    [
      'client sign-in',
      'customer get-me',
      'public answer-unrouted',
      'public get-docs',
      'public get-health',
      'public get-openapi',
      'public receive-stripe-event',
      'session end-session',
      'session list-identities',
      'session list-sessions',
      'session sign-out',
      'session sign-out-everywhere',
    ].toSorted(),
  );
});

test('secrets are compared in constant time', () => {
  const sources = readdirSync(join(root, 'lib'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => ({ name: `lib/${name}`, text: read(`lib/${name}`) }));
  const timed = sources.filter(({ text }) => text.includes('timingSafeEqual(')).map(({ name }) => name);
  expect(timed.toSorted()).toEqual([
    'lib/accounts/customers/passwords.ts',
    'lib/auth/bearer.ts',
    'lib/shop/payments/stripe-webhook.ts',
  ]);
  const plain = sources.flatMap(({ name, text }) =>
    [...text.matchAll(/\b\w*(?:secretHash|passwordHash|signature|mac)\w* (?:===|!==) (?!undefined|null)[^\n]*/gi)].map(
      ([line]) => `${name}: ${line}`,
    ),
  );
  expect(plain).toEqual([]);
});
