import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Sql, TransactionSql } from 'postgres';
import { readApplied } from '../../lib/database/applied.sql.ts';
import { TransferRefused } from './errors.ts';
import { type Manifest, manifestFile, rowsFile } from './manifest.ts';
import { listTables, measure, quote, quoteTable, type Table } from './schema.ts';

type Options = { sql: Sql; folder: string; now: Date; onTable?: (name: string, rows: number) => void };

const rowsAtOnce = 1000;

/**
 * Writes every row of the shop as of one moment: a file of JSON lines for each table, and a manifest with counts and sums. The
 * shop may go on meanwhile.
 * @throws TransferRefused when the folder is not empty, or the disk is full
 */
export async function exportData({ sql, folder, now, onTable = () => {} }: Options): Promise<Manifest> {
  const existed = await readdir(folder).catch(() => undefined);
  if (existed !== undefined && existed.length > 0)
    throw new TransferRefused(
      `${folder} is not empty, so nothing was exported: name a folder that is empty or does not exist.`,
    );
  await mkdir(folder, { recursive: true, mode: 0o700 });
  try {
    return await sql.begin('isolation level repeatable read read only', async (tx) => {
      const tables: Manifest['tables'] = [];
      for (const table of await listTables(tx)) {
        const sha256 = await writeRows(tx, table, rowsFile(folder, table.name));
        const { rows, sums } = await measure(tx, table);
        tables.push({ name: table.name, columns: table.columns, rows, sums, sha256 });
        onTable(table.name, rows);
      }
      const migrations = (await readApplied(tx)).map(({ name }) => name);
      const made: Manifest = { format: 1, exportedAt: now.toISOString(), migrations, tables };
      await writeFile(manifestFile(folder), `${JSON.stringify(made, null, 2)}\n`, { mode: 0o600, flush: true });
      return made;
    });
  } catch (error) {
    for (const name of await readdir(folder)) await rm(`${folder}/${name}`, { force: true });
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    throw new TransferRefused(`The disk that holds ${folder} is full: nothing was kept of what was written.`, {
      cause: error,
    });
  }
}

async function writeRows(tx: TransactionSql, { name, columns }: Table, file: string): Promise<string> {
  const hash = createHash('sha256');
  const list = columns.map(quote).join(', ');
  // As text: numbers of the database may be larger than JavaScript's.
  const query = tx.unsafe(`select to_jsonb(r)::text as line from (select ${list} from ${quoteTable(name)}) r`);
  async function* lines() {
    for await (const rows of query.cursor(rowsAtOnce)) {
      const text = rows.map(({ line }) => `${line}\n`).join('');
      hash.update(text);
      yield text;
    }
  }
  await pipeline(Readable.from(lines()), createWriteStream(file, { flags: 'wx', mode: 0o600 }));
  return hash.digest('hex');
}
