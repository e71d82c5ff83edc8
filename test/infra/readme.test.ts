import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Demo, firstOrder, prepareDemo } from '../../infra/local/demo.ts';
import { type Stack, startStack } from '../../infra/local/stack.ts';
import type { Order } from '../../lib/contract/api/orders.ts';

let home: string;
let stack: Stack;
let demo: Demo;
let example: { commands: string[]; answers: unknown[] };

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'counterfoil-readme-'));
  const directory = join(home, '.local');
  stack = await startStack({ directory, port: 0 });
  demo = await prepareDemo(stack, directory);
  example = await readExample();
});
afterAll(async () => {
  await stack?.stop();
  await rm(home, { recursive: true, force: true });
});

test('the first order of the README is confirmed when its lines are pasted unchanged', async () => {
  expect(example.commands.length).toBeGreaterThan(3);
  const printed = await paste(example.commands);
  const answers = printed.filter((text) => text !== '').map((text) => JSON.parse(text) as unknown);
  const orders = answers.filter((answer): answer is Order => isObject(answer) && 'payment' in answer);
  expect(orders[0]).toMatchObject({ status: 'confirmed', payment: { status: 'captured' }, failure: null });
  expect(orders.at(-1)).toMatchObject({ id: orders[0]!.id, status: 'cancelled', payment: { status: 'refunded' } });
  const came = answers.map(withoutChance);
  expect(example.answers.length).toBeGreaterThan(1);
  for (const shown of example.answers) expect(came).toContainEqual(withoutChance(shown));
});

test('the commands that npm start prints place an order when they are pasted unchanged', async () => {
  const [, ...paragraphs] = firstOrder(demo).split('\n\n');
  const commands = paragraphs.filter((text) => /^ {2}(curl|TOKEN)/.test(text));
  expect(commands).toHaveLength(5);
  const answers = (await paste(commands)).filter((text) => text !== '').map((text) => JSON.parse(text));
  const [products, quote, order, orders] = answers;
  expect(products.data.length).toBeGreaterThan(1);
  expect(quote.total.amount).toBeGreaterThan(0);
  expect(order).toMatchObject({ status: 'confirmed' });
  expect(orders.data[0].id).toBe(order.id);
});

/** Runs each block as a shell that is open beside `npm start` would, and gives what each printed. */
async function paste(commands: string[]): Promise<string[]> {
  const mark = 'end of a block';
  const script = commands.map((command) => `${command}\necho; echo '${mark}'\n`).join('');
  const { stdout, stderr } = await promisify(execFile)('bash', ['-c', script], {
    cwd: home,
    env: { HOME: home, PATH: `${dirname(process.execPath)}:${process.env.PATH}` },
  });
  expect(stderr).toBe('');
  return stdout
    .split(mark)
    .slice(0, -1)
    .map((text) => text.trim());
}

/** The shell blocks between the two marks of the README, and the answers that stand after some of them. */
async function readExample() {
  const readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8');
  const [, text = ''] = /<!-- first order -->([\s\S]*?)<!-- end of first order -->/.exec(readme) ?? [];
  const blocks = (language: string) =>
    [...text.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g'))].map((m) => m[1]!);
  return { commands: blocks('sh'), answers: blocks('json').map((block) => JSON.parse(block) as unknown) };
}

/** An answer without what is new each time: ids and times. */
const withoutChance = (answer: unknown): unknown =>
  JSON.parse(
    JSON.stringify(answer)
      .replace(/\b([a-z]{3})_[0-9a-f]{32}\b/g, '$1')
      .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'time'),
  );

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;
