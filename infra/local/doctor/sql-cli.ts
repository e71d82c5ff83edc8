import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { dropPool } from '../../../lib/platform/pools.ts';
import { patientOf } from './patient.ts';

const usage = `npm run sql -- [--directory .local] "select …"

Runs one statement in a laptop's database as the migrator, who owns it, and prints the rows.`;

/** Runs one command line. @returns the exit code: 0 done, 1 refused by the database, 2 invalid command line */
export async function runSql(args: string[], print: (line: string) => void): Promise<number> {
  const given = read(args);
  if (given === undefined) {
    print(usage);
    return 2;
  }
  const { sql } = await patientOf(resolve(given.directory));
  try {
    const rows = await sql('migrator').unsafe(given.statement);
    for (const row of rows)
      print(
        Object.entries(row)
          .map(([name, value]) => `${name}: ${shown(value)}`)
          .join('  '),
      );
    print(rows.length === 1 ? '1 row' : `${rows.length} rows`);
    return 0;
  } catch (error) {
    print((error as Error).message);
    return 1;
  } finally {
    dropPool('migrator');
  }
}

const shown = (value: unknown): string =>
  value instanceof Date ? value.toISOString() : typeof value === 'object' ? JSON.stringify(value) : String(value);

function read(args: string[]): { directory: string; statement: string } | undefined {
  try {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: { directory: { type: 'string', default: '.local' } },
    });
    const [statement, ...more] = positionals;
    return statement === undefined || more.length > 0 ? undefined : { ...values, statement };
  } catch {
    return undefined;
  }
}

if (import.meta.main) process.exitCode = await runSql(process.argv.slice(2), console.log);
