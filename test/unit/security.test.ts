import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { routes } from '../../functions/routes.ts';
import { operations } from '../../lib/contract/api/operations.ts';
import { withoutPersonalFields } from '../../lib/http/response.ts';
import { anyApplication } from '../support/applications.ts';

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

test('an answer that was stored for replay is shown without its personal fields', () => {
  const application = { ...anyApplication, scopes: [] };
  const caller = { kind: 'client', address: '', application } as const;
  const text = JSON.stringify({ id: 'ord_1', contact: { email: 'ada@example.com' }, note: null });
  const stored = { status: 202, body: { contentType: 'application/json', text } };
  expect(withoutPersonalFields(stored, operations['place-order'], caller)).toEqual({
    status: 202,
    body: { id: 'ord_1' },
  });
  const trusted = { ...caller, application: { ...application, scopes: ['customers:read'] as const } };
  expect(withoutPersonalFields(stored, operations['place-order'], trusted)).toBe(stored);
});

test('only the intended operations need no scope', () => {
  const free = Object.values(routes).filter(({ scopes }) => scopes.length === 0);
  expect(free.map(({ operation, auth }) => `${auth} ${operation}`).toSorted()).toEqual(
    [
      // An application sees its own imports, whatever they are of.
      'app get-import',
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
    'lib/accounts/customers/moved-in-passwords.ts',
    'lib/accounts/customers/passwords.ts',
    'lib/auth/bearer.ts',
    'lib/operations/metrics/credential.ts',
    'lib/shop/payments/stripe-webhook.ts',
  ]);
  const plain = sources.flatMap(({ name, text }) =>
    [...text.matchAll(/\b\w*(?:secretHash|passwordHash|signature|mac)\w* (?:===|!==) (?!undefined|null)[^\n]*/gi)].map(
      ([line]) => `${name}: ${line}`,
    ),
  );
  expect(plain).toEqual([]);
});

describe('docs/asvs.md', () => {
  const rows = [...read('docs/asvs.md').matchAll(/^\| (\d+\.\d+)\.(\d+) \| [12] \| ([^|]+) \| (.+) \|$/gm)];

  test('answers every requirement of the levels 1 and 2 of ASVS 5.0.0 once', () => {
    // The number of requirements in each section; within a section they are numbered from 1.
    const sections =
      '1.1:2 1.2:9 1.3:11 1.4:3 1.5:2 2.1:3 2.2:3 2.3:4 2.4:1 3.2:2 3.3:4 3.4:6 3.5:5 3.7:2 4.1:3 4.2:1 4.3:2 4.4:4 ' +
      '5.1:1 5.2:3 5.3:2 5.4:3 6.1:3 6.2:12 6.3:4 6.4:4 6.5:5 6.6:3 6.8:4 7.1:3 7.2:4 7.3:2 7.4:5 7.5:2 7.6:2 8.1:2 ' +
      '8.2:3 8.3:1 8.4:1 9.1:3 9.2:4 10.1:2 10.2:2 10.3:4 10.4:11 10.5:5 10.6:2 10.7:3 11.1:2 11.2:3 11.3:3 11.4:4 ' +
      '11.5:1 11.6:1 12.1:3 12.2:2 12.3:4 13.1:1 13.2:5 13.3:2 13.4:5 14.1:2 14.2:4 14.3:3 15.1:3 15.2:3 15.3:7 16.1:1 ' +
      '16.2:5 16.3:4 16.4:3 16.5:3 17.1:1 17.2:4 17.3:2';
    const expected = sections.split(' ').flatMap((section) => {
      const [name, count] = section.split(':');
      return Array.from({ length: Number(count) }, (_, n) => `${name}.${n + 1}`);
    });
    expect(expected).toHaveLength(253);
    expect(rows.map(([, section, number]) => `${section}.${number}`)).toEqual(expected);
  });

  test('gives each a status that it explains, and a reason', () => {
    const statuses = new Set(rows.map(([, , , status]) => status));
    expect([...statuses].toSorted()).toEqual(['AWS', 'client', 'deployment', 'met', 'n/a', 'unmet']);
    for (const [line, , , , reason] of rows) expect(reason!.length, line).toBeGreaterThan(2);
  });

  test('names files that exist', () => {
    const named = [...read('docs/asvs.md').matchAll(/`((?:lib|infra|functions|test|docs|examples)\/[\w./-]*)`/g)];
    expect(named.length).toBeGreaterThan(20);
    expect(named.map(([, path]) => path!).filter((path) => !existsSync(join(root, path)))).toEqual([]);
  });
});
