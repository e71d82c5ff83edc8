import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { cutOver } from '../../infra/move-in/cut-over.ts';
import { readMapping } from '../../infra/move-in/mapping.ts';
import { findSources } from '../../infra/move-in/read-rows.ts';
import { systemClock } from '../../lib/kernel/clock.ts';
import type { Sql } from '../../lib/platform/sql.ts';
import { asMigrator, moveInto } from '../support/move-in.ts';
import { openShop, type Shop } from '../support/shop-by-hand.ts';

let folder: string;
let files: string;
let log: string;
let shop: Shop;
let owner: Sql;
const run = moveInto(() => shop.database);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cut-over-'));
  [files, log] = [join(folder, 'shop'), join(folder, 'hooks')];
  shop = await openShop();
  await shop.restock();
  owner = asMigrator(shop.database);
  await run('test-shop', files, '--products', '10', '--customers', '10', '--orders', '60');
});
beforeEach(async () => {
  await owner`delete from archive.cut_overs`;
  await writeFile(log, '');
});
afterAll(async () => {
  await owner?.end();
  await shop?.close();
  await rm(folder, { recursive: true, force: true });
});

const says = (word: string) => `echo ${word} >> "$MOVE_IN_FOLDER/../hooks"`;
const hooks = ['--freeze', says('freeze'), '--thaw', says('thaw'), '--switch', says('switch')];
const called = async () => (await readFile(log, 'utf8')).trim().split(/\s+/);
const states = async () =>
  (await owner`select state, reason from archive.cut_overs order by started_at`).map((row) => ({ ...row }));

test('a rehearsal loads, verifies and takes the time; then the cut-over brings what changed last, and ends the loads', async () => {
  const rehearsal = await run('cut-over', files, '--rehearse', ...hooks);
  expect(rehearsal).toMatchObject({ code: 0, err: [] });
  expect(rehearsal.out.at(-1)).toMatch(/^Rehearsed: the old shop would be closed for [\d.]+ s/);
  expect(await called()).toEqual(['']);

  const late = `sed -i.old 's/Thing 8,/Thing eight,/' ${join(files, 'products.csv')}`;
  const done = await run('cut-over', files, ...hooks, '--export', `${late} && ${says('export')}`);
  expect(done).toMatchObject({ code: 0, err: [] });
  expect(done.out[0]).toMatch(/^The last rehearsal took [\d.]+ s/);
  expect(done.out).toContain('13 products, 10 customers, 3 coupons, 60 orders compared, 0 differences.');
  expect(await called()).toEqual(['freeze', 'export', 'switch']);
  expect(await states()).toEqual([
    { state: 'rehearsed', reason: null },
    { state: 'switched', reason: null },
  ]);
  expect(await owner`select sku from catalog.products where name = 'Thing eight'`).toEqual([{ sku: 'OLD-8' }]);

  expect((await run('load', files)).err[0]).toMatch(/was cut over at .* a load would write over what has changed here/);
  expect((await run('cut-over', files, ...hooks)).err[0]).toMatch(/this shop sells now\. Only back-out goes back/);
  expect((await run('cut-over', files, '--rehearse')).code).toBe(1);
});

test('a difference, a shop that is still open and a time that is over open the old shop again', async () => {
  await run('load', files);
  const [price] = await owner`select price_amount from catalog.products where sku = 'OLD-3'`;
  await owner`update catalog.products set price_amount = 1 where sku = 'OLD-3'`;
  const different = await run('cut-over', files, ...hooks);
  expect(different).toMatchObject({ code: 1, err: [expect.stringMatching(/^Verify found 1 differences, such as: /)] });
  expect(await called()).toEqual(['freeze', 'thaw']);
  const allowed = await run('cut-over', files, ...hooks, '--allow', '1');
  expect(allowed).toMatchObject({ code: 0, err: [expect.stringMatching(/^products 3: has price/)] });
  await owner`update catalog.products set price_amount = ${price!.priceAmount} where sku = 'OLD-3'`;
  expect((await run('back-out', files)).code).toBe(0);

  await expect(cutOverWith({ fingerprint: async () => String(Math.random()) })).rejects.toThrow(/it is not closed/);
  const slow = ['--freeze', 'sleep 1.2', '--thaw', says('thaw-after-time')];
  expect((await run('cut-over', files, ...slow, '--within', '1')).err).toEqual([
    expect.stringMatching(/^The old shop has been closed for 1 of 1 seconds, before load\.$/),
  ]);
  expect((await called()).at(-1)).toBe('thaw-after-time');
  expect((await states()).map(({ state }) => state)).toEqual(['failed', 'backed out', 'failed', 'failed']);
});

test('a switch that fails is no cut-over, and a command that was killed does not keep the next one away', async () => {
  const failing = ['--frozen', '--thaw', says('thaw'), '--switch', 'exit 3'];
  expect((await run('cut-over', files, ...failing)).err[0]).toMatch(/^The command of --switch ended with 3\./);
  expect(await called()).toEqual(['thaw']);
  expect((await run('load', files)).code).toBe(0);
  await owner`update archive.cut_overs set state = 'running', alive_until = now() + interval '1 minute'`;
  expect((await run('cut-over', files, '--rehearse')).err[0]).toMatch(/^A cut-over of woocommerce runs since /);
  await owner`update archive.cut_overs set alive_until = now() - interval '1 second'`;
  expect((await run('cut-over', files, '--rehearse')).code).toBe(0);
  expect(await states()).toEqual([
    { state: 'failed', reason: 'The command was killed.' },
    { state: 'rehearsed', reason: null },
  ]);
});

test('the old shop is closed and opened by somebody, or nothing begins', async () => {
  expect((await run('cut-over', files)).err[0]).toMatch(/^Give --freeze COMMAND/);
  expect((await run('cut-over', files, '--freeze', 'true')).err[0]).toMatch(/^Give --thaw COMMAND too/);
  expect((await run('cut-over', files, '--within', '0')).code).toBe(2);
  expect(await states()).toEqual([]);
});

test('back-out goes back while nothing was sold, says what the old shop does not know, and then loads go on', async () => {
  expect((await run('back-out', files)).err[0]).toMatch(/there is nothing to back out of/);
  expect((await run('cut-over', files, ...hooks)).code).toBe(0);
  // Everything of this test's own shop was made before.
  const order = await shop.order({ status: 'pending' });
  await owner`update archive.cut_overs set switched_at = switched_at - interval '1 hour'`;
  expect((await run('back-out', files, ...hooks)).err[0]).toMatch(
    /^1 orders were placed here since .*: it is too late to go back\.$/,
  );
  expect(await called()).toEqual(['freeze', 'switch']);
  await owner`update orders.orders set status = 'failed', failure_code = 'payment-declined', failure_detail = 'No.' where id = ${order.id}`;
  const back = await run('back-out', files, '--thaw', says('thaw'), '--switch', says('switch-back'));
  expect(back).toMatchObject({ code: 0, err: [] });
  expect(back.out.at(-1)).toMatch(/^The old shop does not know of \d+ new customers and \d+ changed ones\.$/);
  expect((await called()).slice(2)).toEqual(['thaw', 'switch-back']);
  expect((await run('load', files)).code).toBe(0);
  expect((await states()).map(({ state }) => state)).toEqual(['backed out']);
});

const cutOverWith = async (changed: object) =>
  cutOver({
    sql: owner,
    mapping: await readMapping(undefined),
    clock: systemClock,
    open: async () => (await findSources(files)).map((source) => ({ ...source, ...changed })),
    ...{ folder: files, out: `${files}-report`, samples: 10, rehearse: false, within: undefined, allow: 0 },
    hooks: { freeze: undefined, export: undefined, switch: undefined, thaw: undefined },
    onBatch: () => {},
    onStep: () => {},
  });
