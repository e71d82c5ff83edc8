import { readFile, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { breakingChanges } from '../api-diff/compare.ts';
import { type Contract, contractOf } from '../api-diff/contract.ts';
import { type Exception, findings } from '../api-diff/exceptions.ts';

const usage = `npm run lint:api -- [--record] [--directory DIRECTORY]

  --record     this version is released: later ones are compared with it (docs/releases.md)
  --directory  where released.json and exceptions.json are, instead of infra/api-diff

Ends with 1 when a change breaks who relies on the last release. See docs/releases.md.`;

const here = (path: string): URL => new URL(path, import.meta.url);

/**
 * Runs one command line.
 * @param now the contract of this version
 * @returns the exit code: 0 nothing found, 1 something found, 2 invalid command line
 */
export async function runLintApi(args: string[], print: (line: string) => void, now?: Contract): Promise<number> {
  const given = read(args);
  if (given === undefined) {
    print(usage);
    return 2;
  }
  const directory = given.directory === undefined ? here('../api-diff/') : new URL(`file://${given.directory}/`);
  const file = (name: string): URL => new URL(name, directory);
  const current = now ?? (await contractOfThisVersion());
  const released = await readJson<Contract>(file('released.json'));
  const exceptions = (await readJson<Exception[]>(file('exceptions.json'))) ?? [];
  const found = released === undefined ? [] : findings(breakingChanges(released, current), exceptions);
  for (const line of found) print(line);
  if (found.length > 0) {
    print(
      `${found.length} against release ${released!.release}: docs/releases.md#what-a-release-must-not-break says what to do.`,
    );
    return 1;
  }
  if (given.record !== true) return 0;
  if (released !== undefined && exceptions.length > 0 && !mayBreak(released.release, current.release)) {
    print(
      `version ${current.release} may not break what ${released.release} had, but exceptions allow it: ${exceptions.length}`,
    );
    return 1;
  }
  await writeFile(file('released.json'), oneLineEach(current));
  await writeFile(file('exceptions.json'), '[]\n');
  print(`recorded the contract of ${current.release}`);
  return 0;
}

/** JSON with a line for each operation, schema and event, so that a diff of it can be read. */
function oneLineEach(contract: Contract): string {
  const lines = (value: object) =>
    Object.entries(value).map(([name, each]) => `    ${JSON.stringify(name)}: ${JSON.stringify(each)}`);
  const parts = Object.entries(contract).map(([name, value]) => {
    const short = typeof value === 'string' || Array.isArray(value);
    return `  ${JSON.stringify(name)}: ${short ? JSON.stringify(value) : `{\n${lines(value as object).join(',\n')}\n  }`}`;
  });
  return `{\n${parts.join(',\n')}\n}\n`;
}

/** Whether a version is a new major one; or a new minor one, while it begins with 0. */
function mayBreak(from: string, to: string): boolean {
  const [a, b] = [from, to].map((version) => version.split('.').map(Number));
  return b![0]! > a![0]! || (b![0] === 0 && b![1]! > a![1]!);
}

async function contractOfThisVersion(): Promise<Contract> {
  return contractOf(JSON.parse(await readFile(here('../../lib/contract/api/assets/openapi.json'), 'utf8')));
}

/** @returns undefined before the first release, when the file does not exist */
async function readJson<T>(file: URL): Promise<T | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as T;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function read(args: string[]): { record?: boolean; directory?: string } | undefined {
  try {
    return parseArgs({ args, options: { record: { type: 'boolean' }, directory: { type: 'string' } } }).values;
  } catch {
    return undefined;
  }
}

if (import.meta.main) process.exitCode = await runLintApi(process.argv.slice(2), console.log);
