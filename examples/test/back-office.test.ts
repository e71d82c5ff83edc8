import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { demoFile, readDemo } from './demo.ts';

const script = join(import.meta.dirname, '../back-office/back-office.ts');
const run = (...args: string[]) => promisify(execFile)(process.execPath, [script, ...args]);

test('creates a product, puts it in stock and prints what there is', async () => {
  const { stdout, stderr } = await run('--demo', demoFile);
  expect(stderr).toBe('');
  expect(stdout).toMatch(/^Product TEA-SENCHA has the id prd_[0-9a-f]{32}\.$/m);
  expect(stdout).toMatch(/^SKU +NAME +PRICE +ON HAND +RESERVED +AVAILABLE$/m);
  expect(stdout).toMatch(/^TEA-SENCHA +Sencha, 100 g +€7\.40 +40 +0 +40$/m);
  expect(stdout).toMatch(/^TEAPOT +Teapot +€69\.00 /m);
  expect(stdout).toMatch(/^The latest orders, as of \d{4}-\d\d-\d\dT/m);
});

test('does nothing twice: run again it finds the product and the delivery', async () => {
  const [first] = (await run('--demo', demoFile)).stdout.split('\n');
  const { stdout } = await run('--demo', demoFile);
  expect(stdout.split('\n')[0]).toBe(first);
  expect(stdout).toMatch(/^TEA-SENCHA .* 40$/m);
});

test('another delivery is put in stock too', async () => {
  const options = ['--demo', demoFile, '--sku', 'TEA-EARL', '--name', 'Earl Grey', '--units', '12'];
  await run(...options);
  const { stdout } = await run(...options, '--delivery', 'second');
  expect(stdout).toMatch(/^TEA-EARL .* 24$/m);
});

test('says in one line what the API did not accept', async () => {
  const { baseUrl } = await readDemo();
  const refused = await run('--url', baseUrl, '--app-key', 'cfk_unknown').catch((error: unknown) => error);
  expect(refused).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringMatching(/^unauthenticated: .+ \(request .+\)\n$/),
  });
});
