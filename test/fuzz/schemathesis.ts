import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Kind, World } from './world.ts';

/** What every answer is held against: the document, and `nothing_leaked` of hooks.py. */
const checks = [
  'not_a_server_error',
  'status_code_conformance',
  'content_type_conformance',
  'response_headers_conformance',
  'response_schema_conformance',
  'negative_data_rejection',
  'missing_required_header',
  'unsupported_method',
  'ignored_auth',
  'nothing_leaked',
];

export type Options = { command: string; seed: number; examples: number; directory: string };

/**
 * Has Schemathesis send requests with these credentials: each value of the schema's borders and beyond, and so many
 * random ones of each operation.
 * @returns whether it found nothing, and the file that holds what it said
 */
export async function runSchemathesis(
  { stack, ids, spared, canaries }: World,
  kind: Kind,
  { command, seed, examples, directory }: Options,
): Promise<{ passed: boolean; file: string }> {
  const folder = join(directory, `fuzz-${kind.name}`);
  await mkdir(folder, { recursive: true });
  const file = join(folder, 'output.txt');
  const hidden = Object.entries(canaries).filter(([name]) => !(kind.mayRead ?? []).includes(name));
  const told = { seed, ids, spared, canaries: Object.fromEntries(hidden) };
  const child = spawn(
    command,
    [
      ...['--config-file', join(import.meta.dirname, 'schemathesis.toml')],
      'run',
      `${stack.baseUrl}/openapi.json`,
      ...(kind.header === undefined ? [] : ['--header', kind.header]),
      ...(kind.without ?? []).flatMap((id) => ['--exclude-operation-id', id]),
      ...(kind.only ?? []).flatMap((id) => ['--include-operation-id', id]),
      ...['--phases', 'examples,coverage,fuzzing', '--checks', checks.join(',')],
      ...['--seed', String(seed), '--max-examples', String(examples)],
      ...['--generation-database', 'none', '--suppress-health-check', 'all', '--request-timeout', '30'],
      ...['--continue-on-failure', '--no-shrink', '--no-color', '--warnings', 'off'],
    ],
    {
      cwd: folder,
      env: {
        ...process.env,
        SCHEMATHESIS_HOOKS: 'hooks',
        PYTHONPATH: import.meta.dirname,
        PYTHONDONTWRITEBYTECODE: '1',
        FUZZ_TOLD: JSON.stringify(told),
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  const output = createWriteStream(file);
  child.stdout.pipe(output, { end: false });
  child.stderr.pipe(output, { end: false });
  const [code] = (await once(child, 'close').catch((error: Error) => {
    throw new Error(`${command} cannot be run (${error.message}): pip install schemathesis, or say where it is.`);
  })) as [number | null];
  output.end();
  return { passed: code === 0, file };
}
