import { defineConfig } from 'vitest/config';

/** Run by run.ts, which says what to run against. */
export default defineConfig({
  test: {
    include: ['test/e2e/*.test.ts'],
    // Mostly waiting for the target, so more files at once than there are cores; one process keeps the start short.
    pool: 'threads',
    isolate: false,
    maxWorkers: 4,
    sequence: { concurrent: true },
    maxConcurrency: 20,
  },
});
