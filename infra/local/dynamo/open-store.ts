import { mkdirSync, readdirSync } from 'node:fs';
import {
  createStore,
  indexPrefix,
  itemPrefix,
  type Store,
  type Table,
  tablePrefix,
  tagPrefix,
  within,
} from './dynalite.ts';

/** LevelDB maps each file that it has open into memory, with 2 MB. By itself it keeps a thousand open. */
const mostOpenFiles = 100;

/**
 * Opens the store in `folder` (created when missing), or one in memory without it. Finishes the changes to tables that
 * a killed process had started. Throws `DynamoFolderLockedError`, `DynamoFolderCorruptError`, `DynamoFolderError`.
 */
export async function openStore(folder?: string): Promise<Store> {
  if (folder) prepare(folder);
  const store = createStore(folder);
  try {
    await store.db.open({ maxOpenFiles: mostOpenFiles });
    await finishTables(store);
    return store;
  } catch (error) {
    await store.db.close().catch(() => {});
    throw folder ? folderError(folder, error) : error;
  }
}

/** The folder of the local DynamoDB cannot be used. */
export class DynamoFolderError extends Error {
  readonly folder: string;

  constructor(folder: string, message: string, cause: unknown) {
    super(message, { cause });
    this.name = new.target.name;
    this.folder = folder;
  }
}

/** Another process has the folder open. */
export class DynamoFolderLockedError extends DynamoFolderError {
  constructor(folder: string, cause: unknown) {
    super(
      folder,
      `The local DynamoDB's folder ${folder} is in use by another process: stop that one first, or start over with "npm start -- --reset".`,
      cause,
    );
  }
}

/** The files in the folder are damaged. */
export class DynamoFolderCorruptError extends DynamoFolderError {
  constructor(folder: string, cause: unknown) {
    super(
      folder,
      `The local DynamoDB's folder ${folder} is damaged (${reason(cause)}): start over with "npm start -- --reset".`,
      cause,
    );
  }
}

function prepare(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const files = readdirSync(folder);
    // LevelDB would treat such a folder as a new one and silently delete its contents.
    if (!files.includes('CURRENT') && files.some((file) => /^MANIFEST-|\.ldb$/.test(file)))
      throw new DynamoFolderCorruptError(folder, new Error('the file CURRENT is missing'));
  } catch (error) {
    throw folderError(folder, error);
  }
}

/** Makes tables that are being created ACTIVE. Deletes tables that are being deleted, with all their entries. */
async function finishTables({ db }: Store): Promise<void> {
  for await (const [key, value] of db.iterator(within(tablePrefix))) {
    const table = value as Table;
    if (table.TableStatus === 'ACTIVE') continue;
    if (table.TableStatus === 'DELETING') {
      const { TableName: name, TableArn: arn } = table;
      const prefixes = [itemPrefix(name), indexPrefix('local', name), indexPrefix('global', name), tagPrefix(arn)];
      for (const prefix of prefixes) await db.clear(within(prefix));
      await db.del(key);
    } else {
      await db.put(key, { ...table, TableStatus: 'ACTIVE' });
    }
  }
}

function folderError(folder: string, error: unknown): DynamoFolderError {
  if (error instanceof DynamoFolderError) return error;
  const codes = [error, (error as Error).cause].map((each) => (each as { code?: string } | undefined)?.code);
  if (codes.includes('LEVEL_LOCKED')) return new DynamoFolderLockedError(folder, error);
  if (codes.some((code) => code === 'LEVEL_CORRUPTION' || code === 'LEVEL_DECODE_ERROR'))
    return new DynamoFolderCorruptError(folder, error);
  return new DynamoFolderError(
    folder,
    `The local DynamoDB cannot open its folder ${folder} (${reason(error)}): fix that, or start over with "npm start -- --reset".`,
    error,
  );
}

function reason(error: unknown): string {
  const { cause, message } = error as Error;
  return cause instanceof Error ? cause.message : message;
}
