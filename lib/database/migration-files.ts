import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import {
  DuplicateMigration,
  MigrationsNotFound,
  MisnamedMigration,
  RefusedStatement,
  UnknownDataMigration,
  UnpairedMigration,
} from './migration-errors.ts';
import { type Statement, statementsOf } from './statements.ts';

export type Migration = {
  /** 1 for 0001. */
  version: number;
  /** The files' name without the ending, for example `0002_customers`. */
  name: string;
  up: string;
  down: string;
  /** SHA-256 of the up file, in hex. Line ends count as `\n`, so a checkout on Windows has the same one. */
  checksum: string;
  /** What it does with the rows that are there, in batches and afterwards. */
  data?: DataFile;
  /** Names of migrations whose data must be migrated before this one is applied. */
  needs?: string[];
};

/**
 * One statement that works through the next rows of a table: `$1` is the key after which it begins, as text and empty at first,
 * and `$2` how many rows it may look at. It returns one row: how many it has `seen`, how many of them `changed`, and the key to go
 * on after, `next`, null when there was no row.
 */
export type DataFile = { statement: string; checksum: string };

/**
 * Reads the migrations of a folder, in order.
 * @throws MigrationsNotFound, MisnamedMigration, DuplicateMigration, UnpairedMigration, RefusedStatement, UnknownDataMigration
 */
export async function readMigrations(directory: string | URL): Promise<Migration[]> {
  const folder = typeof directory === 'string' ? directory : fileURLToPath(directory);
  const files = (await list(folder)).toSorted();
  const names = new Map<number, string>();
  for (const file of files) {
    if (!/^\d{4}_[a-z0-9_]+\.(up|down|data)\.sql$/.test(file) || file.startsWith('0000'))
      throw new MisnamedMigration(file);
    const version = Number(file.slice(0, 4));
    const name = file.slice(0, file.indexOf('.'));
    const other = names.get(version);
    if (other !== undefined && other !== name) throw new DuplicateMigration(file, other);
    names.set(version, name);
  }
  const migrations: Migration[] = await Promise.all(
    [...names].map(async ([version, name]) => {
      const [upFile, downFile] = [`${name}.up.sql`, `${name}.down.sql`];
      if (!files.includes(upFile)) throw new UnpairedMigration(downFile, upFile);
      if (!files.includes(downFile)) throw new UnpairedMigration(upFile, downFile);
      const [up, down] = await Promise.all([read(folder, upFile), read(folder, downFile)]);
      const data = files.includes(`${name}.data.sql`) ? { data: await readData(folder, `${name}.data.sql`) } : {};
      return { version, name, up, down, checksum: checksumOf(up), needs: neededBy(up), ...data };
    }),
  );
  for (const { name, version, needs = [] } of migrations) {
    const unknown = needs.find(
      (needed) => !migrations.some((other) => isDataOf(other, needed) && other.version < version),
    );
    if (unknown !== undefined) throw new UnknownDataMigration(`${name}.up.sql`, unknown);
  }
  return migrations;
}

const isDataOf = ({ name, data }: Migration, needed: string): boolean => name === needed && data !== undefined;

const checksumOf = (text: string): string => createHash('sha256').update(text).digest('hex');

/** The migrations whose data a file needs: lines such as `-- needs data of 0031_names`. */
const neededBy = (up: string): string[] => [...up.matchAll(/^-- needs data of (\S+)$/gm)].map(([, name]) => name!);

async function readData(folder: string, file: string): Promise<DataFile> {
  const statement = await read(folder, file);
  const [first, second] = statementsOf(statement);
  if (first === undefined || second !== undefined)
    throw new RefusedStatement(file, second?.line ?? 1, 'more than one batch');
  return { statement, checksum: checksumOf(statement) };
}

async function list(folder: string): Promise<string[]> {
  const files = await readdir(folder).catch((cause) => {
    throw new MigrationsNotFound(folder, { cause });
  });
  const shown = files.filter((file) => !file.startsWith('.'));
  if (shown.length === 0) throw new MigrationsNotFound(folder);
  return shown;
}

async function read(folder: string, file: string): Promise<string> {
  const text = (await readFile(`${folder}/${file}`, 'utf8')).replaceAll('\r\n', '\n');
  for (const statement of statementsOf(text)) {
    const refused = refusedPart(statement);
    if (refused !== undefined) throw new RefusedStatement(file, statement.line, refused);
  }
  return text;
}

const transactionControl = new Set(['begin', 'start', 'commit', 'end', 'rollback', 'abort', 'savepoint', 'release']);

/** The part of a statement that a migration may not have. PostgreSQL itself refuses the rest, and rolls the file back. */
function refusedPart({ words }: Statement): string | undefined {
  const [first = '', second = ''] = words;
  if (transactionControl.has(first)) return first;
  if (first === 'prepare' && second === 'transaction') return 'prepare transaction';
  if (words.includes('concurrently') && first !== 'refresh') return `${first} ${second} … concurrently`;
  return undefined;
}
