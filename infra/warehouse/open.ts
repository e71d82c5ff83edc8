import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { HistoryBroken, type Warehouse } from '../../lib/analytics/history.ts';
import {
  findManifest,
  type Manifest,
  manifestVersion,
  readManifest,
  readManifestNumber,
  verifyFile,
  verifyFiles,
} from '../../lib/analytics/warehouse/files.ts';
import { type TableName, tableNames } from '../../lib/analytics/warehouse/model.ts';
import { BrokenFile } from '../../lib/analytics/warehouse/store.ts';
import { diskStore } from './disk-store.ts';
import { createViews, type Engine, openEngine, tablesIn, withEngine } from './engine.ts';

/**
 * The warehouse in a folder, as reports ask it. The engine is loaded for the first question, which also reads every byte of the
 * files; from then on, each file that has changed.
 * @param database whose tables the statements name, as in Athena
 */
export function openWarehouse(root: string, database?: string): Warehouse & { close(): void } {
  const store = diskStore(root);
  let engine: Promise<Engine> | undefined;
  /** Which state the engine's view of a table is of. */
  const views = new Map<TableName, number>();
  const verified = new Map<string, string>();
  const verify = async (manifest: Manifest, named: readonly TableName[]) => {
    const files = named.flatMap((table) => Object.values(manifest.tables[table] ?? {}));
    const marks = await Promise.all(files.map(({ path }) => markOf(join(root, path))));
    for (const [index, file] of files.entries()) {
      const mark = marks[index];
      if (mark !== undefined && verified.get(file.path) === mark) continue;
      await verifyFile(store, file, true);
      verified.set(file.path, mark!);
    }
  };
  let latest: Manifest | undefined;
  const manifestOf = async (number: number) => {
    if (latest?.number !== number) latest = await readManifestNumber(store, number);
    return latest;
  };
  // One at a time: each may name the tables of another state.
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const turn = last.then(work, work);
    last = turn.catch(() => {});
    return turn.catch((error: unknown) => {
      throw error instanceof BrokenFile ? new HistoryBroken(error.message, { cause: error }) : error;
    });
  };
  return {
    newest: () =>
      inTurn(async () => {
        const manifest = await findManifest(store);
        if (manifest === undefined || manifest.version !== manifestVersion) return undefined;
        const { number, asOf, completeUntil, epoch } = manifest;
        return { number, asOf, completeUntil, epoch };
      }),
    query: <R>({ number }: { number: number }, { text, parameters }: { text: string; parameters: readonly string[] }) =>
      inTurn(async () => {
        const manifest = await manifestOf(number);
        // What a statement does not name may be missing.
        const named = tablesIn(text);
        await verify(manifest, named);
        engine ??= openEngine(root);
        const { query } = await engine;
        const of = named.filter((table) => views.get(table) !== number);
        if (of.length > 0) await createViews(query, root, manifest, { database, of });
        for (const table of of) views.set(table, number);
        const { rows } = await query(text, parameters);
        return rows.map(
          (row) => Object.fromEntries(Object.entries(row).map(([name, value]) => [name, plain(value)])) as R,
        );
      }),
    close: () => void engine?.then(({ close }) => close()),
  };
}

/**
 * Answers one statement from the newest state, or that of a moment. Every byte of what it names is read before.
 * @throws NeverLoaded, BrokenFile naming the file
 */
export async function queryState(root: string, asOf: Date | undefined, statement: string) {
  const store = diskStore(root);
  const manifest = await readManifest(store, asOf);
  const named = tablesIn(statement);
  // `show tables` names none, and means all.
  const of = named.length === 0 ? tableNames : named;
  const tables = Object.fromEntries(of.map((table) => [table, manifest.tables[table] ?? {}]));
  await verifyFiles(store, { ...manifest, tables }, true);
  const answer = await withEngine(root, async (query) => {
    await createViews(query, root, manifest, { of });
    return query(statement);
  });
  return { manifest, ...answer };
}

/** Changes when somebody writes to the file. */
async function markOf(path: string): Promise<string | undefined> {
  const found = await stat(path).catch(() => undefined);
  return found === undefined ? undefined : `${found.ino} ${found.size} ${found.mtimeMs}`;
}

/** Amounts are far below 2^53, as in the answers of the database. */
const plain = (value: unknown): unknown => (typeof value === 'bigint' ? Number(value) : value);
