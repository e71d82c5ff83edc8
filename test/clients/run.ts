import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import { removeLaptop, startLaptop } from '../e2e/laptop.ts';

const usage = `npm run test:clients -- [--python BIN]

Generates clients from the OpenAPI document, starts a stack of its own and runs a whole flow of a shop by each of them:
@hey-api/openapi-ts, which npm brings, and openapi-python-client with --python.

  --python BIN   the folder of the programs of a Python environment with openapi-python-client and ruff
`;
const root = resolve(import.meta.dirname, '../..');
const document = join(root, 'lib/contract/api/assets/openapi.json');
const settings = join(root, 'test/clients/python.yaml');

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { python: { type: 'string' }, help: { type: 'boolean', short: 'h' } } });
  if (values.help) return console.log(usage);
  const folder = await mkdtemp(join(tmpdir(), 'counterfoil-clients-'));
  const laptop = join(folder, 'laptop');
  let stop = async () => {};
  try {
    const hey = await prepareTypeScript(folder);
    const python = values.python === undefined ? undefined : await preparePython(folder, resolve(values.python));
    const stack = await startLaptop(laptop, { RATE_LIMIT_PER_MINUTE: '100000' });
    stop = stack.stop;
    const target = [stack.baseUrl, stack.identity!.clientId];
    await run('node', [hey, ...target], folder);
    console.log('@hey-api/openapi-ts: the flow passed');
    if (python === undefined) return;
    await run(python, [join(import.meta.dirname, 'flow.py'), ...target], folder, {
      PYTHONPATH: join(folder, 'python'),
    });
    console.log('openapi-python-client: the flow passed');
  } finally {
    await stop();
    await removeLaptop(laptop);
    await rm(folder, { recursive: true, force: true });
  }
}

/** @returns the flow as one file, whose types agree with the generated client */
async function prepareTypeScript(folder: string): Promise<string> {
  const packages = ['@hey-api/openapi-ts@0.99.0', 'typescript@5.9.3'].map((name) => `--package=${name}`);
  const execute = (...command: string[]) => run('npm', ['exec', '--yes', ...packages, '--', ...command], folder);
  await execute('openapi-ts', '--input', document, '--output', join(folder, 'generated'), '--logs', folder);
  await copyFile(join(import.meta.dirname, 'hey-api/flow.ts'), join(folder, 'flow.ts'));
  const compilerOptions = {
    ...{ strict: true, noEmit: true, skipLibCheck: true, allowImportingTsExtensions: true },
    ...{ module: 'esnext', moduleResolution: 'bundler', target: 'es2022', lib: ['es2023', 'dom', 'dom.iterable'] },
    typeRoots: [join(root, 'node_modules/@types')],
    types: ['node'],
  };
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['flow.ts'] }));
  await execute('tsc', '--project', folder);
  const outfile = join(folder, 'flow.mjs');
  await build({ entryPoints: [join(folder, 'flow.ts')], bundle: true, platform: 'node', format: 'esm', outfile });
  return outfile;
}

/** @returns the Python that runs the flow */
async function preparePython(folder: string, bin: string): Promise<string> {
  const output = join(folder, 'python');
  await run(
    join(bin, 'openapi-python-client'),
    ['generate', '--path', document, '--output-path', output, '--config', settings, '--fail-on-warning'],
    folder,
    { PATH: `${bin}:${process.env.PATH}` },
  );
  return join(bin, 'python');
}

/** @throws when the program fails */
async function run(program: string, args: string[], cwd: string, env: Record<string, string> = {}): Promise<void> {
  const child = spawn(program, args, { cwd, stdio: 'inherit', env: { ...process.env, ...env } });
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0) throw new Error(`${program} ${args[0]} ended with ${code}`);
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
});
