import { fileURLToPath } from 'node:url';
import type { BuildOptions } from 'esbuild';
import { leanContracts } from './lean-contracts.ts';
import { leanStart, standIns } from './lean-start.ts';
import { ownRows } from './own-rows.ts';
import { precompute } from './precompute.ts';

/** The root of the repository. */
export const root = fileURLToPath(new URL('../..', import.meta.url));

/**
 * How a handler is bundled: one minified ES module for Lambda's Node 24, without the parts of the AWS SDK that no handler
 * uses. The caller adds entry points and an output folder.
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
  },
  plugins: [leanStart(), leanContracts(), ownRows(), precompute()],
});

/**
 * How CDK's NodejsFunction bundles by default: CommonJS, not minified, with everything. The bench compares with it.
 */
export const naiveOptions = (): BuildOptions => ({ ...shared(), format: 'cjs', target: 'node24' });

const shared = (): BuildOptions => ({
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  loader: { '.html': 'text' },
  logLevel: 'silent',
});
