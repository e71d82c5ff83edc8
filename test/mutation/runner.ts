import { relative } from 'node:path';
import { createVitest, type TestModule } from 'vitest/node';
import type { SharedPostgres } from '../support/postgres-global.ts';

/** One run of some test files in this copy of the project, of which files may have changed since the last. */
export type Job = { files: readonly string[]; postgres: SharedPostgres; changed: readonly string[] };
export type Ran = { passed: true } | { passed: false; by: string; output: string };

/*
 * A process that runs what its parent asks for, one job after the other. Vitest stays up in between, which is most of
 * what a run of one file costs; each test file has a fresh worker all the same.
 */
const vitest = await createVitest('test', {
  config: 'test/mutation/vitest.config.ts',
  watch: false,
  bail: 1,
  reporters: [{}],
});

await vitest.standalone();

process.on('message', (job: Job) => void run(job).then((ran) => process.send!(ran)));
process.on('disconnect', () => process.exit());
process.send!('ready');

async function run({ files, postgres, changed }: Job): Promise<Ran> {
  for (const file of changed) vitest.invalidateFile(file);
  vitest.state.filesMap.clear();
  // The first run reads it from the environment, the others are given it.
  process.env.TEST_POSTGRES = JSON.stringify(postgres);
  vitest.provide('postgres', postgres);
  const wanted = files.map((file) => `${process.cwd()}/${file}`);
  const { testModules, unhandledErrors } = await vitest.runTestFiles(wanted);
  const failed = testModules.find((module) => !module.ok());
  if (failed === undefined && unhandledErrors.length === 0 && testModules.length === files.length) {
    return { passed: true };
  }
  return { passed: false, ...describe(failed, unhandledErrors) };
}

function describe(module: TestModule | undefined, unhandled: readonly unknown[]): { by: string; output: string } {
  const failed = [...(module?.children.allTests('failed') ?? [])][0];
  const errors = [...(failed?.result().errors ?? []), ...(module?.errors() ?? []), ...unhandled] as Partial<Error>[];
  const output = errors.map((error) => error.message ?? String(error)).join('\n');
  const file = module === undefined ? 'no file' : relative(process.cwd(), module.moduleId);
  return { by: `${[file, failed?.fullName ?? 'set-up'].join(' > ')}: ${output.split('\n')[0]}`, output };
}
