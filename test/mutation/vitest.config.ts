import { defineConfig } from 'vitest/config';
import { coveringTests } from './cover.ts';

/** The tests that mutants are tried with, in one project: the first failure is enough, and a hang is one. */
export default defineConfig({
  test: {
    root: new URL('../..', import.meta.url).pathname,
    maxWorkers: 1,
    pool: 'threads',
    testTimeout: 30_000,
    hookTimeout: 180_000,
    expect: { poll: { timeout: 20_000 } },
    include: process.env.MUTATION_TESTS?.split(' ') ?? coveringTests(),
    globalSetup: ['test/support/postgres-global.ts'],
  },
});
