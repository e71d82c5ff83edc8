import { defineConfig } from 'vitest/config';
import { useTempRoot } from '../support/temp-root.ts';

useTempRoot();

/** Each lab starts a shop of its own. The time-outs are there for a hang. */
export default defineConfig({
  test: {
    include: ['test/labs/**/*.test.ts'],
    testTimeout: 5 * 60_000,
    expect: { poll: { timeout: 4 * 60_000 } },
  },
});
