import { isBuiltin } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { Plugin } from 'esbuild';

/** What takes the place of parts of the AWS SDK that no handler uses. */
export const standIns = fileURLToPath(new URL('./stand-ins.ts', import.meta.url));

/**
 * Makes a bundle start sooner, in three ways that the bench shows the worth of.
 *
 * Node's own modules are taken by `process.getBuiltinModule`. An `import` of one reads each of its exports, and
 * `node:http` has some that load all of fetch and WebSocket when they are read.
 *
 * The AWS SDK's event streams, which it loads when an operation has one, are left out. No handler calls such an operation,
 * and what can be loaded later keeps esbuild from merging what it shares with the rest.
 *
 * Its readers of configuration files are left out: no function has such files.
 */
export const leanStart = (): Plugin => ({
  name: 'lean-start',
  setup(build) {
    build.onResolve({ filter: /^(node:)?[a-z_/0-9]+$/ }, ({ path }) =>
      isBuiltin(path) ? { path: path.replace(/^node:/, ''), namespace: 'builtin' } : undefined,
    );
    build.onLoad({ filter: /./, namespace: 'builtin' }, ({ path }) => ({
      contents: `module.exports = process.getBuiltinModule('node:${path}');`,
      loader: 'js',
    }));
    build.onResolve({ filter: /\/(readFile|getSSOTokenFromFile)$/ }, ({ path, importer }) =>
      /shared-ini-file-loader/.test(`${importer} ${path}`) ? { path: standIns } : undefined,
    );
    build.onResolve({ filter: /^@smithy\/core\/event-streams$/ }, ({ kind }) =>
      kind === 'dynamic-import' ? { path: 'event-streams', namespace: 'absent' } : undefined,
    );
    build.onLoad({ filter: /./, namespace: 'absent' }, ({ path }) => ({
      contents: `throw new Error('this bundle has no ${path}: see infra/bundle/lean-start.ts');`,
      loader: 'js',
    }));
  },
});
