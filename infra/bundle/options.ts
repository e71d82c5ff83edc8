import { fileURLToPath } from 'node:url';
import type { BuildOptions } from 'esbuild';
import { leanStart } from './lean-start.ts';

/** The repository's root, where handlers are named from. */
export const root = fileURLToPath(new URL('../..', import.meta.url));

const noDiscovery = fileURLToPath(new URL('./no-endpoint-discovery.ts', import.meta.url));
const cutOff = fileURLToPath(new URL('./no-default-credentials.ts', import.meta.url));

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
    '@aws-sdk/credential-provider-node': cutOff,
    '@aws-sdk/credential-providers': cutOff,
    '@aws-sdk/endpoint-cache': noDiscovery,
  },
  plugins: [leanStart()],
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
