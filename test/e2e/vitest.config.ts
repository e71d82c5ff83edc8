import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** These mostly wait, for retries and for stacks of their own. */
const first = [
  'imports',
  'operations',
  'restart',
  'test-clock',
  'whole-shop',
  'shop-input',
  'reconciliation',
  'customers',
  'payments',
];

class SlowFirst extends BaseSequencer {
  override async sort(specs: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification): number => {
      const at = first.findIndex((name) => moduleId.endsWith(`/${name}.test.ts`));
      return at === -1 ? first.length : at;
    };
    return (await super.sort(specs)).toSorted((a, b) => place(a) - place(b));
  }
}

/** Run by run.ts, which says what to run against. */
export default defineConfig({
  test: {
    include: ['test/e2e/*.test.ts'],
    // Mostly waiting for the target, so more files at once than there are cores; one process keeps the start short.
    pool: 'threads',
    isolate: false,
    maxWorkers: 4,
    sequence: { concurrent: true, sequencer: SlowFirst },
    maxConcurrency: 20,
    expect: { poll: { timeout: 5 * 60_000 } },
  },
});
