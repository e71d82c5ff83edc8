import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { type Bundle, bundleHandlers } from '../../infra/bundle/bundle.ts';
import { naiveOptions } from '../../infra/bundle/options.ts';
import { handlerSources } from '../../infra/handlers.ts';
import { machineVariables } from '../support/definitions.ts';

export type FunctionFigures = {
  name: string;
  /** Of the module that is deployed, minified. */
  bytes: number;
  gzipBytes: number;
  naiveBytes: number;
  /** Milliseconds by the clock from importing the module to its last line, without what an empty one takes. */
  initMs: number;
  naiveInitMs: number;
  /** The same in processor time, which a busy machine does not stretch. */
  initCpuMs: number;
  naiveInitCpuMs: number;
  /** The packages that take most of the module, largest first. */
  contributors: { name: string; bytes: number }[];
};

type Cost = { wall: number; cpu: number };

/**
 * Bundles every function as it is deployed and as CDK would when told nothing, and starts both in processes of their
 * own, turn by turn.
 * @param runs how often each is started
 * @param otherRuns the same for what serves no HTTP
 */
export async function measureFunctions({ runs, otherRuns }: { runs: number; otherRuns: number }) {
  const directory = await mkdtemp(join(tmpdir(), 'counterfoil-bench-functions-'));
  try {
    const sources = handlerSources();
    const ours = await bundleHandlers(sources, join(directory, 'ours'));
    const theirs = await bundleHandlers(sources, join(directory, 'naive'), naive());
    const empty = join(directory, 'empty.mjs');
    await writeFile(empty, 'export {};\n');
    const { empty: nothing } = await startByTurns({ empty }, 5);

    const figures: FunctionFigures[] = [];
    for (const handler of Object.keys(sources)) {
      const [our, their] = [ours.get(handler)!, theirs.get(handler)!];
      const variants = { ours: join(our.directory, 'index.mjs'), naive: join(their.directory, 'index.js') };
      const costs = await startByTurns(variants, handler.startsWith('http/') ? runs : otherRuns);
      const module = await readFile(variants.ours);
      figures.push({
        name: handler,
        bytes: our.bytes,
        gzipBytes: gzipSync(module).length,
        naiveBytes: their.bytes,
        initMs: costs.ours.wall - nothing.wall,
        naiveInitMs: costs.naive.wall - nothing.wall,
        initCpuMs: costs.ours.cpu - nothing.cpu,
        naiveInitCpuMs: costs.naive.cpu - nothing.cpu,
        contributors: largestParts(our),
      });
    }
    return figures;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** CommonJS has no `import.meta`, which some handlers need to start at all: the one with the docs reads a file beside its module. */
const naive = () => ({ ...naiveOptions(), define: { 'import.meta.url': JSON.stringify(docsPage) } });
const docsPage = new URL('../../lib/contract/docs/page.ts', import.meta.url).href;

/** The quickest of importing each module in fresh processes. */
async function startByTurns<V extends string>(variants: Record<V, string>, runs: number): Promise<Record<V, Cost>> {
  const names = Object.keys(variants) as V[];
  const costs = Object.fromEntries(names.map((name) => [name, [] as Cost[]])) as Record<V, Cost[]>;
  // The first start of each reads the file from the disk and is not counted.
  for (let run = 0; run <= runs; run++) {
    for (const name of names) {
      const cost = await start(variants[name]);
      if (run > 0) costs[name].push(cost);
    }
  }
  // Whatever else the machine does only adds to a start, so the quickest one is the nearest to what the module takes.
  const quickest = (of: Cost[]): Cost => ({
    wall: Math.min(...of.map(({ wall }) => wall)),
    cpu: Math.min(...of.map(({ cpu }) => cpu)),
  });
  return Object.fromEntries(names.map((name) => [name, quickest(costs[name])])) as Record<V, Cost>;
}

const probe = join(import.meta.dirname, 'init-probe.mjs');
const run = promisify(execFile);

async function start(module: string): Promise<Cost> {
  const { stdout } = await run(process.execPath, [probe, module], { env: lambdaEnvironment });
  return JSON.parse(stdout.slice(stdout.lastIndexOf('{'))) as Cost;
}

/** What a function finds when it starts on Lambda; nothing in it leads anywhere. */
const lambdaEnvironment = {
  AWS_LAMBDA_FUNCTION_NAME: 'counterfoil-bench',
  AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '512',
  AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
  AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
  AWS_REGION: 'eu-west-1',
  AWS_ACCESS_KEY_ID: 'BENCH',
  AWS_SECRET_ACCESS_KEY: 'bench',
  AWS_SESSION_TOKEN: 'bench',
  DATABASE_HOST: 'database.invalid',
  ...machineVariables,
  MIGRATE_FUNCTION: 'bench',
};

/** What the module's bytes came from: the packages, and our own code as `lib` and `functions`. */
function largestParts({ metafile }: Bundle): FunctionFigures['contributors'] {
  const sizes = new Map<string, number>();
  for (const { inputs } of Object.values(metafile.outputs)) {
    for (const [file, { bytesInOutput }] of Object.entries(inputs)) {
      const name = packageOf(file);
      sizes.set(name, (sizes.get(name) ?? 0) + bytesInOutput);
    }
  }
  return [...sizes]
    .map(([name, bytes]) => ({ name, bytes }))
    .sort((a, b) => b.bytes - a.bytes)
    .slice(0, 3);
}

function packageOf(file: string): string {
  const inPackage = /^.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file)?.[1];
  return inPackage ?? file.split('/', 1)[0]!;
}
