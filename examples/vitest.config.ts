import { defineConfig } from 'vitest/config';

/** Run by `npm run test:examples`, which starts a stack and says by COUNTERFOIL_DEMO where its demo.json is. */
export default defineConfig({
  test: { root: import.meta.dirname, include: ['test/*.test.ts'], testTimeout: 300_000, hookTimeout: 300_000 },
});
