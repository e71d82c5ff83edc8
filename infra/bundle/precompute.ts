import { pathToFileURL } from 'node:url';
import type { Plugin } from 'esbuild';

/**
 * Runs modules named `*.static.ts` when a handler is bundled. The bundle contains the values that they export, which must
 * be JSON, and not the code that computes them. From source they are ordinary modules.
 */
export const precompute = (): Plugin => ({
  name: 'precompute',
  setup(build) {
    build.onLoad({ filter: /\.static\.ts$/ }, async ({ path }) => {
      const exported: Record<string, unknown> = await import(pathToFileURL(path).href);
      const lines = Object.entries(exported).map(([name, value]) => `export const ${name} = ${JSON.stringify(value)};`);
      return { contents: lines.join('\n'), loader: 'js' };
    });
  },
});
