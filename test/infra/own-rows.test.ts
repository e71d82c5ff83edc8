import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { consumers } from '../../functions/consumers.ts';
import { jobs } from '../../functions/jobs.ts';
import { routes } from '../../functions/routes.ts';
import { steps } from '../../functions/steps.ts';
import { streams } from '../../functions/streams.ts';
import { bundleHandler } from '../../infra/bundle/bundle.ts';
import { root } from '../../infra/bundle/options.ts';
import { namesIn } from '../../infra/bundle/own-rows.ts';

const work = mkdtempSync(join(tmpdir(), 'counterfoil-own-rows-'));
afterAll(() => rmSync(work, { recursive: true, force: true }));

test('a handler’s bundle has its own row alone', async () => {
  const { directory } = await bundleHandler('http/list-refunds', work);
  const text = readFileSync(join(directory, 'index.mjs'), 'utf8');
  expect(text).toContain('/orders/{orderId}/refunds');
  expect(text).not.toContain('/customers/me/addresses');
});

test.each(Object.entries({ routes, steps, jobs, streams, consumers }))('the rows of %s are JSON', (_, table) => {
  expect(JSON.parse(JSON.stringify(table))).toEqual(table);
});

test('nearly every handler names the rows that it uses', () => {
  const whole = ['http', 'saga', 'jobs', 'streams', 'consumers'].flatMap((folder) =>
    readdirSync(join(root, 'functions', folder))
      .map((file) => ({
        file: `${folder}/${file}`,
        source: readFileSync(join(root, 'functions', folder, file), 'utf8'),
      }))
      .filter(({ source }) => {
        const [, table] = /from '\.\.\/(\w+)\.ts'/.exec(source) ?? [];
        return table !== undefined && namesIn(source, table) === undefined;
      })
      .map(({ file }) => file),
  );
  // Two import something else beside the table; one asks every row.
  const expected = ['consumers/mail-order-news.ts', 'consumers/supersede-products.ts', 'http/answer-unrouted.ts'];
  expect(whole.sort()).toEqual(expected);
});

test.each([
  ["routes['place-order'], routes.signUp", ['place-order', 'signUp']],
  ['Object.values(routes)', undefined],
  ['routes[name]', undefined],
  ["routes['a'], { routes }", undefined],
  ["import { other } from '../other/routes.ts'; routes.a; // of all routes", ['a']],
])('of %s, the rows are %j', (source, expected) => {
  expect(namesIn(`import { routes } from '../routes.ts'; ${source}`, 'routes')).toEqual(expected);
});
