import { pathToFileURL } from 'node:url';
import type { Plugin } from 'esbuild';

/**
 * Runs modules named `*.static.ts` while a handler is bundled: the bundle gets what they export, which must be JSON, and
 * not what computes it. Run from source, they are modules like any other.
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
