import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { S3Client } from '@aws-sdk/client-s3';
import { toCsv } from '../../lib/analytics/files/csv.ts';
import { check } from '../../lib/analytics/warehouse/check.ts';
import { LoadRefused } from '../../lib/analytics/warehouse/checks.ts';
import { readManifest } from '../../lib/analytics/warehouse/files.ts';
import { load } from '../../lib/analytics/warehouse/load.ts';
import { s3Store } from '../../lib/analytics/warehouse/s3.gateway.ts';
import type { Store } from '../../lib/analytics/warehouse/store.ts';
import { stopwatch, systemClock } from '../../lib/kernel/clock.ts';
import { diskStore } from '../warehouse/disk-store.ts';
import type { Rows } from '../warehouse/engine.ts';
import { queryState } from '../warehouse/open.ts';
import { addressOf, connectAnalyst, stageOptions } from './analyst.ts';

const usage = `npm run warehouse -- load              load what has changed since the last load
npm run warehouse -- load --full       load every month anew; needed after the database was restored
npm run warehouse -- load --from 2026-01 --to 2026-03
                                       also load these months anew, both included
npm run warehouse -- status            how old the warehouse is, and what it has
npm run warehouse -- query STATEMENT   run a statement with DuckDB and print its rows as CSV
npm run warehouse -- check             compare every file and month with the database

  --as-of TIME      status and query: the warehouse as it was then, such as 2026-11-29T12:00Z
  --directory PATH  where the warehouse is; .local/warehouse by default
  --bucket NAME     load, status and check: the bucket of a stage, with your AWS credentials. Athena answers queries of it
  --host, --region, … the endpoint of a stage's reader, as for npm run analyst; the reader of npm start by default
See docs/analytics.md.`;

const commandNames = ['load', 'status', 'query', 'check'] as const;
type Command = (typeof commandNames)[number];
type Asked = NonNullable<ReturnType<typeof parse>>;

async function main(args: string[]): Promise<number> {
  const asked = parse(args);
  if (asked === undefined) {
    console.error(usage);
    return 2;
  }
  try {
    return await commands[asked.command](asked);
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    return error instanceof LoadRefused ? 3 : 1;
  }
}

const commands: Record<Command, (asked: Asked) => Promise<number>> = {
  load: (asked: Asked) =>
    withDatabase(asked, async (sql) => {
      const { manifest, months, rows, milliseconds } = await load(depsOf(sql, asked), asked);
      const rate = Math.round(rows / (milliseconds / 1000));
      console.log(`load ${manifest.number}: as of ${manifest.asOf}, from the ${manifest.source}`);
      console.log(`${months.length} months written, ${rows} rows in ${milliseconds} ms (${rate} rows/s)`);
      return 0;
    }),
  status: async (asked: Asked) => {
    const { number, asOf: at, source, tables } = await readManifest(storeOf(asked), asked.asOf);
    console.log(`load ${number}: as of ${at} (${age(at)} ago), from the ${source}`);
    for (const [name, files] of Object.entries(tables)) {
      const rows = Object.values(files).reduce((sum, file) => sum + file.rows, 0);
      const bytes = Object.values(files).reduce((sum, file) => sum + file.bytes, 0);
      console.log(`${name}: ${rows} rows, ${Object.keys(files).length} files, ${bytes} bytes`);
    }
    return 0;
  },
  query: async ({ root, asOf, statement }: Asked) => {
    const { manifest, ...answer } = await queryState(root, asOf, statement!);
    process.stdout.write(csvOf(answer));
    console.error(`as of ${manifest.asOf} (${age(manifest.asOf)} ago)`);
    return 0;
  },
  check: (asked: Asked) =>
    withDatabase(asked, async (sql) => {
      const deps = depsOf(sql, asked);
      const { findings, months, skipped } = await check(deps, await readManifest(deps.store));
      for (const finding of findings) console.error(finding);
      if (skipped.length > 0) console.log(`different, because they have changed since the load: ${skipped.join(', ')}`);
      console.log(`${months.length} months compared, ${findings.length} findings`);
      return findings.length === 0 ? 0 : 3;
    }),
};

const storeOf = ({ root, bucket, region }: Asked): Store =>
  bucket === undefined
    ? diskStore(root)
    : s3Store(new S3Client({ forcePathStyle: true, ...(region === undefined ? {} : { region }) }), bucket);

const depsOf = (sql: Awaited<ReturnType<typeof connectAnalyst>>, asked: Asked) => ({
  sql,
  store: storeOf(asked),
  clock: systemClock,
  stopwatch,
  sleep,
});

async function withDatabase<T>(
  asked: Asked,
  work: (sql: Awaited<ReturnType<typeof connectAnalyst>>) => Promise<T>,
): Promise<T> {
  const sql = await connectAnalyst(addressOf(asked));
  try {
    // A load writes a month between two statements, which may take longer than people may be idle.
    await sql`set idle_in_transaction_session_timeout = '300s'`;
    return await work(sql);
  } finally {
    await sql.end({ timeout: 1 });
  }
}

function csvOf({ columns, rows }: Rows): string {
  const cell = (value: unknown) =>
    value === null || typeof value === 'number' || typeof value === 'boolean' || value instanceof Date
      ? value
      : String(value);
  return toCsv(
    columns,
    rows.map((row) => Object.fromEntries(Object.entries(row).map(([name, value]) => [name, cell(value)]))),
  );
}

const age = (at: string): string => `${Math.max(0, Math.round((Date.now() - Date.parse(at)) / 1000))} s`;

function parse(args: string[]) {
  try {
    const { positionals, values } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        full: { type: 'boolean' },
        from: { type: 'string' },
        to: { type: 'string' },
        'as-of': { type: 'string' },
        directory: { type: 'string' },
        bucket: { type: 'string' },
        ...stageOptions,
      },
    });
    const { full, from, to, directory, bucket, host, port, database, ca, secret, region } = values;
    const [word, statement, ...rest] = positionals;
    const command = commandNames.find((name) => name === word);
    if (command === undefined || rest.length > 0) return undefined;
    if ((command === 'query') !== (statement !== undefined)) return undefined;
    if (bucket !== undefined && (command === 'query' || directory !== undefined)) return undefined;
    const asOf = values['as-of'] === undefined ? undefined : new Date(values['as-of']);
    if (Number.isNaN(asOf?.getTime())) return undefined;
    const months = from === undefined && to === undefined ? [] : monthsBetween(from ?? to!, to ?? from!);
    const root = resolve(directory ?? resolve(import.meta.dirname, '../../.local/warehouse'));
    return {
      command,
      statement,
      asOf,
      months,
      root,
      bucket,
      full: full ?? false,
      ...{ host, port, database, ca, secret, region },
    };
  } catch {
    return undefined;
  }
}

/** The months of a range, both included, as YYYY-MM. */
function monthsBetween(from: string, to: string): string[] {
  for (const month of [from, to])
    if (!/^\d{4}-(0[1-9]|1[0-2])$/.test(month)) throw new Error(`${month} is not a month`);
  if (from > to) throw new Error('from is after to');
  const months: string[] = [];
  for (const at = new Date(`${from}-01`); at.toISOString().slice(0, 7) <= to; at.setUTCMonth(at.getUTCMonth() + 1)) {
    months.push(at.toISOString().slice(0, 7));
  }
  return months;
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2));
