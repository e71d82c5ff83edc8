import { once } from 'node:events';
import { join, resolve } from 'node:path';
import { startVitest } from 'vitest/node';
import type { Target } from './target.ts';

/*
 * The process that run.ts starts for Vitest: takes the target and the names of test files as its first message, and ends
 * with 0 when all of them passed.
 */
const [{ target, files, atOnce }] = (await once(process, 'message')) as [
  { target: Target; files: string[]; atOnce?: number },
];
process.once('disconnect', () => process.exit(1)); // run.ts was ended.
// There for a hang. A target that lets little through makes everybody wait for the next minute, more than once.
const testTimeout = (target.limitPerMinute > 5000 ? 10 : 30) * 60_000;
const vitest = await startVitest('test', [], {
  root: resolve(import.meta.dirname, '../..'),
  config: join(import.meta.dirname, 'vitest.config.ts'),
  include: files.map((file) => `test/e2e/${file}`),
  watch: false,
  provide: { target },
  testTimeout,
  hookTimeout: testTimeout,
  ...(atOnce === undefined ? {} : { maxWorkers: 1, fileParallelism: false, maxConcurrency: atOnce }),
});
const { state } = vitest;
const modules = state.getTestModules();
const passed = modules.length === files.length && modules.every((module) => module.ok());
const ok = passed && state.getUnhandledErrors().length === 0;
await vitest.close();
process.exit(ok ? 0 : 1);
