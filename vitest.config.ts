import { defineConfig } from 'vitest/config';

const shared = { testTimeout: 20_000, hookTimeout: 60_000 };

/** `unit` is pure and offline; the others get a real PostgreSQL, shared by the run and cloned for each file. */
export default defineConfig({
  test: {
    maxWorkers: 2,
    projects: [
      { test: { ...shared, name: 'unit', include: ['test/unit/**/*.test.ts'] } },
      {
        test: {
          ...shared,
          name: 'stack',
          include: ['test/{sql,http,saga,infra,faults}/**/*.test.ts'],
          globalSetup: ['test/support/postgres-global.ts'],
        },
      },
    ],
  },
});
