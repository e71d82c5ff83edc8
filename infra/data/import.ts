import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline/promises';
import type { Sql, TransactionSql } from 'postgres';
import { readApplied } from '../../lib/database/applied.sql.ts';
import { TransferRefused } from './errors.ts';
import { type Manifest, readManifest, rowsFile } from './manifest.ts';
import { listTables, measure, quote, quoteTable, type Table } from './schema.ts';

type Options = { sql: Sql; folder: string; onTable?: (name: string, rows: number) => void };
type Exported = Manifest['tables'][number];

const rowsAtOnce = 1000;

/**
 * Writes an export into an empty stage with the same schema or a newer one, in one transaction: all of it, with the counts and
 * sums of its manifest, or nothing. Triggers rest meanwhile, because they would make history anew; constraints do not.
 * @throws TransferRefused
 */
export async function importData({ sql, folder, onTable = () => {} }: Options): Promise<Manifest> {
  const manifest = await readManifest(folder);
  for (const table of manifest.tables) await checkFile(folder, table);
  return await sql.begin(async (tx) => {
    await checkSchema(tx, manifest);
    const tables = await listTables(tx);
    for (const { name } of tables) await checkEmpty(tx, name);
    const exported = new Map(manifest.tables.map((table) => [table.name, table]));
    for (const name of exported.keys()) if (!tables.some((one) => one.name === name)) throw gone(`table ${name}`);
    await makeMonths(tx, folder, manifest);
    for (const table of tables) {
      const from = exported.get(table.name);
      if (from === undefined) continue;
      await fill(tx, folder, table, from);
      onTable(from.name, from.rows);
    }
    await moveSequences(tx);
    return manifest;
  });
}

/** Sequences go on behind what came. */
async function moveSequences(tx: TransactionSql): Promise<void> {
  await tx`
    select setval('orders.order_numbers', max(n.number)) from (
      select substring(number from '\\d+$')::bigint as number from orders.orders
      union all
      select substring(number from '\\d+$')::bigint from archive.order_keys
    ) n having max(n.number) >= 10001`;
  await tx`
    select setval(pg_get_serial_sequence('archive.pages', 'id'), max(id)) from archive.pages having max(id) is not null`;
}

async function checkFile(folder: string, { name, sha256 }: Exported): Promise<void> {
  const hash = createHash('sha256');
  try {
    for await (const chunk of createReadStream(rowsFile(folder, name))) hash.update(chunk as Buffer);
  } catch (cause) {
    throw new TransferRefused(`${rowsFile(folder, name)} cannot be read: nothing was imported.`, { cause });
  }
  if (hash.digest('hex') !== sha256)
    throw new TransferRefused(`${rowsFile(folder, name)} does not match its checksum: nothing was imported.`);
}

/** A schema is newer when it has every migration of the export, in their order, and perhaps more. */
async function checkSchema(tx: TransactionSql, { migrations }: Manifest): Promise<void> {
  const applied = (await readApplied(tx)).map(({ name }) => name);
  const at = migrations.findIndex((name, index) => applied[index] !== name);
  if (at < 0) return;
  throw new TransferRefused(
    applied.length <= at
      ? `This stage lacks migration ${migrations[at]}, which the export has: migrate it first, with npm run migrate -- up.`
      : `This stage has migration ${applied[at]} where the export has ${migrations[at]}: their schemas are different ones.`,
  );
}

async function checkEmpty(tx: TransactionSql, name: string): Promise<void> {
  const [row] = await tx.unsafe(`select exists (select from ${quoteTable(name)}) as filled`);
  if (row!.filled) throw new TransferRefused(`This stage is not empty: ${name} has rows. Nothing was imported.`);
}

const gone = (what: string): TransferRefused =>
  new TransferRefused(
    `This stage has no ${what} any more: import into the release that exported it, and migrate then.`,
  );

/** The audit has a partition for each month. */
async function makeMonths(tx: TransactionSql, folder: string, { tables }: Manifest): Promise<void> {
  const months = new Set<string>();
  for (const { name, columns } of tables.filter((table) => table.name.startsWith('audit.'))) {
    const column = columns.find((one) => one === 'at' || one === 'hour');
    if (column === undefined) continue;
    for await (const line of linesOf(rowsFile(folder, name)))
      months.add(String((JSON.parse(line) as Record<string, unknown>)[column]).slice(0, 7));
  }
  for (const month of months) await tx`select audit.add_month(${`${month}-15T00:00:00Z`}::text::timestamptz)`;
}

async function fill(tx: TransactionSql, folder: string, table: Table, from: Exported): Promise<void> {
  const { name, columns } = from;
  const missing = columns.find((column) => !table.columns.includes(column));
  if (missing !== undefined) throw gone(`column ${name}.${missing}`);
  const list = columns.map(quote).join(', ');
  const into = `insert into ${quoteTable(name)} (${list}) overriding system value
    select ${list} from jsonb_populate_recordset(null::${quoteTable(name)}, $1::text::jsonb)`;
  await tx.unsafe(`alter table ${quoteTable(name)} disable trigger user`);
  let batch: string[] = [];
  const write = async () => {
    if (batch.length > 0)
      await tx.unsafe(into, [`[${batch.join(',')}]`]).catch((cause) => Promise.reject(refusal(name, cause)));
    batch = [];
  };
  for await (const line of linesOf(rowsFile(folder, name))) if (batch.push(line) === rowsAtOnce) await write();
  await write();
  await tx.unsafe(`alter table ${quoteTable(name)} enable trigger user`);
  const found = await measure(tx, { name, numbers: Object.keys(from.sums) });
  if (found.rows !== from.rows || Object.entries(from.sums).some(([column, sum]) => found.sums[column] !== sum))
    throw new TransferRefused(`${name} has other counts or sums than its manifest says: nothing was imported.`);
}

/** Rows that the schema refuses, such as a line without its order. */
const refusal = (name: string, cause: Error & { code?: string }): Error =>
  /^2[23]/.test(cause.code ?? '')
    ? new TransferRefused(`A row of ${name} is not valid here (${cause.message}): nothing was imported.`, { cause })
    : cause;

const linesOf = (file: string) =>
  createInterface({ input: createReadStream(file), crlfDelay: Number.POSITIVE_INFINITY });
