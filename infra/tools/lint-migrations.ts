import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { shippedMigrations } from '../../lib/database/migrate.ts';
import { MigrationError } from '../../lib/database/migration-errors.ts';
import { readMigrations } from '../../lib/database/migration-files.ts';
import { lintMigrations } from '../migration-lint/lint.ts';
import { Unparsable } from '../migration-lint/statements.ts';

const usage = `npm run lint:migrations -- [--directory DIRECTORY] [--released N]

  --directory  other migrations than this release's
  --released   number of the newest migration that the running release has (infra/migration-lint/released.json)

Ends with 1 when a migration does not suit the release that runs. See docs/migration-rules.md.`;

/** Runs one command line. @returns the exit code: 0 nothing found, 1 something found, 2 invalid command line */
export async function runLint(args: string[], print: (line: string) => void): Promise<number> {
  const given = read(args);
  const released = given?.released ?? (await newestReleased());
  if (given === undefined || !/^\d{1,4}$/.test(released)) {
    print(usage);
    return 2;
  }
  try {
    const migrations = await readMigrations(given.directory ?? shippedMigrations);
    const findings = await lintMigrations(migrations, Number(released));
    for (const { file, line, rule, what } of findings) print(`${file}:${line} ${what} [${rule}]`);
    if (findings.length > 0) print('docs/migration-rules.md#RULE says why, and what to do instead.');
    return findings.length === 0 ? 0 : 1;
  } catch (error) {
    if (!(error instanceof MigrationError || error instanceof Unparsable)) throw error;
    print(error.message);
    return 1;
  }
}

async function newestReleased(): Promise<string> {
  const file = new URL('../migration-lint/released.json', import.meta.url);
  return String((JSON.parse(await readFile(file, 'utf8')) as { newest: number }).newest);
}

function read(args: string[]): { directory?: string; released?: string } | undefined {
  try {
    return parseArgs({ args, options: { directory: { type: 'string' }, released: { type: 'string' } } }).values;
  } catch {
    return undefined;
  }
}

if (import.meta.main) process.exitCode = await runLint(process.argv.slice(2), console.log);
