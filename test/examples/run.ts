import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { removeLaptop, startLaptop } from '../e2e/laptop.ts';

const usage = `npm run test:examples -- [--browser | --screenshots]

Starts stacks of its own and runs the examples against them.

  --browser      the pages themselves: web shop, API, console, back office and reports, in the Chromium of this machine
  --screenshots  the console alone, and makes its pictures in docs/images anew
`;

/** @returns whether everything passed */
async function main(): Promise<boolean> {
  const { values } = parseArgs({
    options: {
      browser: { type: 'boolean', default: false },
      screenshots: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    console.log(usage);
    return true;
  }
  if (values.screenshots) return takePictures();
  const sets = values.browser ? [inBrowser, reports] : [byScript, ...walks];
  let passed = true;
  for (const set of sets) passed = (await runOnStack(set)) && passed;
  return passed;
}

/** Test files, and the settings of the stack that they run against. */
type TestSet = { files: string[]; settings?: { TAX: string; CAPTURE_AT: string } };

const inBrowser: TestSet = { files: ['page', 'docs', 'console', 'admin'] };
/** Moves the clock, which ends everybody's sessions. */
const reports: TestSet = { files: ['reports'] };
const byScript: TestSet = { files: ['back-office', 'web-shop', 'choreography'] };
const walks: TestSet[] = [
  { files: ['walk'], settings: { TAX: 'included', CAPTURE_AT: 'checkout' } },
  { files: ['walk'], settings: { TAX: 'excluded', CAPTURE_AT: 'shipment' } },
];

/** The pictures of the README and of docs/console.md, by the names that the test gives them. */
const pictures = { 'console-order-390': 'console-order', 'console-overview-390': 'console-overview' };

/** Takes pictures while the console is tested. @returns whether everything passed */
async function takePictures(): Promise<boolean> {
  const folder = await mkdtemp(join(tmpdir(), 'counterfoil-pictures-'));
  try {
    process.env.SCREENSHOTS = folder;
    if (!(await runOnStack({ files: ['console'] }))) return false;
    for (const [taken, kept] of Object.entries(pictures)) {
      const to = resolve(import.meta.dirname, '../../docs/images', `${kept}.png`);
      await copyFile(join(folder, `${taken}.png`), to);
    }
    return true;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** @returns whether everything passed */
async function runOnStack(set: TestSet): Promise<boolean> {
  const directory = await mkdtemp(join(tmpdir(), 'counterfoil-examples-'));
  let stop = async () => {};
  try {
    ({ stop } = await startLaptop(directory, { RATE_LIMIT_PER_MINUTE: '100000', ...set.settings }));
    return await runVitest(set, join(directory, 'demo.json'));
  } finally {
    await stop();
    await removeLaptop(directory);
  }
}

/** @returns whether everything passed; Ctrl-C ends it, and then the stack is stopped too */
async function runVitest({ files, settings }: TestSet, demoFile: string): Promise<boolean> {
  const child = spawn('vitest', ['run', '--root', resolve(import.meta.dirname, '../../examples'), ...files], {
    stdio: 'inherit',
    env: {
      ...process.env,
      COUNTERFOIL_DEMO: demoFile,
      ...(settings && { COUNTERFOIL_TAX: settings.TAX, COUNTERFOIL_CAPTURE_AT: settings.CAPTURE_AT }),
    },
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
