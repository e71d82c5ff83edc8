import { fileURLToPath } from 'node:url';
import type { BuildOptions } from 'esbuild';
import { leanStart, standIns } from './lean-start.ts';
import { precompute } from './precompute.ts';

/** The repository's root, where handlers are named from. */
export const root = fileURLToPath(new URL('../..', import.meta.url));

/**
 * How a handler is bundled: one ES module for Lambda's node 24, minified, without those parts of the AWS SDK that no
 * handler uses and all would pay for. The caller adds entry points and where to write.
 */
export const handlerOptions = (): BuildOptions => ({
  ...shared(),
  format: 'esm',
  outExtension: { '.js': '.mjs' },
  target: 'node24',
  mainFields: ['module', 'main'],
  minify: true,
  treeShaking: true,
  legalComments: 'none',
  alias: {
    '@aws-sdk/credential-provider-node': standIns,
    '@aws-sdk/credential-providers': standIns,
    '@aws-sdk/endpoint-cache': standIns,
  },
  plugins: [leanStart(), precompute()],
});

/**
 * How CDK's NodejsFunction bundles when told nothing: CommonJS, not minified, everything in it. For the bench to
 * compare with.
 */
export const naiveOptions = (): BuildOptions => ({ ...shared(), format: 'cjs', target: 'node24' });

const shared = (): BuildOptions => ({
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  loader: { '.html': 'text' },
  logLevel: 'silent',
});
