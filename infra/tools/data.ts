import { parseArgs } from 'node:util';
import { systemClock } from '../../lib/kernel/clock.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import { TransferRefused } from '../data/errors.ts';
import { exportData } from '../data/export.ts';
import { importData } from '../data/import.ts';

export const usage = `npm run data -- export FOLDER   write every row of PostgreSQL as of one moment, while the shop runs
npm run data -- import FOLDER   write an export into an empty stage with the same schema or a newer one

It connects as the migrator, with DATABASE_HOST, DATABASE_PORT, DATABASE_NAME, DATABASE_CA_FILE and your AWS credentials.
An export holds customers' data in plain text. It has neither DynamoDB tables nor executions. See docs/data.md.`;

type Print = { out: (line: string) => void; err: (line: string) => void };

/** Runs one command line. @returns the exit code: 0 done, 1 failed, 2 invalid command line */
export async function runData(args: string[], open: () => Sql, print: Print): Promise<number> {
  const [command = '', folder = '', ...more] = positionalsIn(args) ?? [];
  if (!(command === 'export' || command === 'import') || folder === '' || more.length > 0) {
    print.err(usage);
    return 2;
  }
  const onTable = (name: string, rows: number) => {
    if (rows > 0) print.out(`${name}: ${rows} rows`);
  };
  const sql = open();
  try {
    const run = command === 'export' ? exportData : importData;
    const { tables } = await run({ sql, folder, now: new Date(systemClock.now()), onTable });
    print.out(`${command}ed ${tables.reduce((sum, { rows }) => sum + rows, 0)} rows of ${tables.length} tables.`);
    return 0;
  } catch (error) {
    if (!(error instanceof TransferRefused)) throw error;
    print.err(error.message);
    return 1;
  } finally {
    await sql.end({ timeout: 5 });
  }
}

function positionalsIn(args: string[]): string[] | undefined {
  try {
    return parseArgs({ args, allowPositionals: true }).positionals;
  } catch {
    return undefined;
  }
}

if (import.meta.main)
  process.exitCode = await runData(process.argv.slice(2), () => sqlAs('migrator'), {
    out: console.log,
    err: console.error,
  });
