import { defineConfig } from 'vitest/config';
import { useTempRoot } from './test/support/temp-root.ts';

useTempRoot();

/** There for a hang: a machine that has much else to do is slow, and nothing has failed. */
const shared = { testTimeout: 5 * 60_000, hookTimeout: 5 * 60_000, expect: { poll: { timeout: 2 * 60_000 } } };
/** A real PostgreSQL, shared by the run and cloned for each file. */
const withPostgres = { ...shared, globalSetup: ['test/support/postgres-global.ts'] };

/** Replaces modules for itself. */
const alone = 'test/sql/accounts.test.ts';
const synthesized =
  'test/infra/{backup-stack,brought,canary,console-dashboards,cost,data-stack,iam,metrics,nag,policies,properties,service-stack,settings,settings-change,settings-later,stages}.test.ts';

/** Take half a minute each and more: they fill large shops, or start servers of their own. */
const long = [
  'test/infra/{backup,containers,local-reader,local-standby}.test.ts',
  'test/sql/{data-migration-load,list-plans,move-in-killed,order-search-plans,warehouse-loss}.test.ts',
];

/**
 * `unit` is pure and offline, `synth` looks at what CDK makes; the others have PostgreSQL. `npm test` leaves `long` out.
 * Every file has a process of its own, except where what it imports keeps nothing: there the next file goes on in the
 * same, which saves starting and importing a hundred times.
 */
export default defineConfig({
  test: {
    maxWorkers: 2,
    projects: [
      { test: { ...shared, name: 'unit', include: ['test/unit/**/*.test.ts'] } },
      { test: { ...shared, testTimeout: 300_000, name: 'synth', include: [synthesized], isolate: false } },
      {
        test: {
          ...withPostgres,
          name: 'stack',
          include: ['test/{http,infra,faults}/**/*.test.ts', alone],
          exclude: [synthesized, ...long],
        },
      },
      {
        test: {
          ...withPostgres,
          name: 'sql',
          include: ['test/sql/**/*.test.ts'],
          exclude: [alone, ...long],
          isolate: false,
        },
      },
      { test: { ...withPostgres, name: 'saga', include: ['test/saga/**/*.test.ts'], isolate: false } },
      { test: { ...withPostgres, name: 'long', include: long } },
    ],
  },
});
