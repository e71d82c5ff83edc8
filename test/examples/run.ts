import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { removeLaptop, startLaptop } from '../e2e/laptop.ts';

const usage = `npm run test:examples -- [--browser]

Starts a stack of its own and runs the examples against it.

  --browser   the web page itself, the page of the API and the console, in the Chromium of this machine
`;

/** @returns whether everything passed */
async function main(): Promise<boolean> {
  const { values } = parseArgs({
    options: { browser: { type: 'boolean', default: false }, help: { type: 'boolean', short: 'h', default: false } },
  });
  if (values.help) {
    console.log(usage);
    return true;
  }
  const files = values.browser ? ['page', 'docs', 'console', 'admin'] : ['back-office', 'web-shop', 'choreography'];
  const directory = await mkdtemp(join(tmpdir(), 'counterfoil-examples-'));
  let stop = async () => {};
  try {
    ({ stop } = await startLaptop(directory, { RATE_LIMIT_PER_MINUTE: '100000' }));
    return await runVitest(files, join(directory, 'demo.json'));
  } finally {
    await stop();
    await removeLaptop(directory);
  }
}

/** @returns whether everything passed; Ctrl-C ends it, and then the stack is stopped too */
async function runVitest(files: string[], demoFile: string): Promise<boolean> {
  const child = spawn('vitest', ['run', '--root', resolve(import.meta.dirname, '../../examples'), ...files], {
    stdio: 'inherit',
    env: { ...process.env, COUNTERFOIL_DEMO: demoFile },
  });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => child.kill(signal));
  const [code] = (await once(child, 'exit')) as [number | null];
  return code === 0;
}

main().then(
  (passed) => process.exit(passed ? 0 : 1),
  (error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exit(1);
  },
);
