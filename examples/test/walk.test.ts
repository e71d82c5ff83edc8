import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { demoFile, readDemo } from './demo.ts';

const script = join(import.meta.dirname, '../whole-shop/walk.ts');
const run = (...args: string[]) => promisify(execFile)(process.execPath, [script, ...args]);

/** How the stack takes tax, and when it captures; `npm run test:examples` starts one of each. */
const { COUNTERFOIL_TAX: tax, COUNTERFOIL_CAPTURE_AT: captureAt } = process.env;

/** 119.00 less 20 % and 4.95 for shipping are 100.15; Austria takes 20 %. Four mugs go back. */
const expected = {
  included: { total: '€100.15', tax: /^ +of which tax +€16\.69$/m, refunded: '€40.00', kept: '€60.15' },
  excluded: { total: '€120.18', tax: /^ +tax +€20\.03$/m, refunded: '€48.00', kept: '€72.18' },
}[tax as 'included' | 'excluded'];

test('goes from a search to a refund, and each amount is right to the cent', async () => {
  if (expected === undefined) throw new Error('Say by COUNTERFOIL_TAX how the stack takes tax.');
  const { stdout, stderr } = await run('--demo', demoFile);
  expect(stderr).toBe('');
  expect(stdout).toMatch(/^ +discount, WALK-20 +-€23\.80$/m);
  expect(stdout).toMatch(/^ +shipping, parcel +€4\.95$/m);
  expect(stdout).toMatch(expected.tax);
  const payment = captureAt === 'shipment' ? 'authorized' : 'captured';
  expect(stdout).toMatch(new RegExp(`^ +CF-\\d+ is confirmed, its payment ${payment}\\.$`, 'm'));
  expect(stdout).toMatch(/^ +The order is partially_fulfilled, its payment captured\.$/m);
  const { total, refunded, kept } = expected;
  expect(stdout).toMatch(new RegExp(`^ +paid ${total}, given back ${refunded}, kept ${kept}$`, 'm'));
});

test('says in one line what it needs', async () => {
  const { baseUrl } = await readDemo();
  const refused = await run('--url', baseUrl, '--app-key', 'cfk_unknown').catch((error: unknown) => error);
  expect(refused).toMatchObject({ code: 1, stdout: '', stderr: expect.stringMatching(/^Give the id .+\n$/) });
});
