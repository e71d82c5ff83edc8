import { createRequire } from 'node:module';
import { ApiError } from './api-error.ts';

// The one handler to dynalite, which is CommonJS without types. We use its storage, its validations and its actions, and
// leave its HTTP server, which parses bodies for itself and throws out of the process when the disk fails.
const require = createRequire(import.meta.url);
const library: Library = require('dynalite/db/index.js');
const validations: Validations = require('dynalite/validations/index.js');
const actions = new Map<Operation, Action>();

export const itemOperations = [
  'BatchGetItem',
  'BatchWriteItem',
  'DeleteItem',
  'GetItem',
  'PutItem',
  'Query',
  'Scan',
  'UpdateItem',
] as const;

export const tableOperations = [
  'CreateTable',
  'DeleteTable',
  'DescribeTable',
  'ListTables',
  'ListTagsOfResource',
  'TagResource',
  'UntagResource',
  'UpdateTable',
] as const;

for (const operation of [...itemOperations, ...tableOperations]) actions.set(operation, load(operation));

/** A dynalite store: LevelDB in the folder `path`, or memory without one. It opens by `store.db.open()`. */
export function createStore(path?: string): Store {
  return library.create({ createTableMs: 0, deleteTableMs: 0, updateTableMs: 0, ...(path ? { path } : {}) });
}

/** Checks `input` as DynamoDB would and returns it with its expressions parsed. Throws `ApiError`. Changes `input`. */
export function check(operation: Operation, store: Store, input: Input): Input {
  const { types, custom } = actions.get(operation)!;
  try {
    const checked = validations.checkTypes(input, types);
    validations.checkValidations(checked, types, custom, store);
    return checked;
  } catch (error) {
    throw asApiError(error);
  }
}

/** Runs a checked operation and resolves to its answer. Throws `ApiError` when DynamoDB would refuse. */
export function perform(operation: Operation, store: Store, checked: Input): Promise<Answer> {
  return called((done) => actions.get(operation)!.run(store, checked, done));
}

/** The description of an active table. Throws `ApiError` ResourceNotFoundException. */
export function findTable(store: Store, name: string): Promise<Table> {
  return called((done) => store.getTable(name, done));
}

/** The storage key of an item within its table, from its key or the whole item. Throws `ApiError` when it has none. */
export function storageKey(table: Table, { Key, Item }: { Key?: Item; Item?: Item }): string {
  const wrong = Key ? library.validateKey(Key, table) : library.validateItem(Item ?? {}, table);
  if (wrong) throw asApiError(wrong);
  return library.createKey(Key ?? Item!, table);
}

/** Bytes that DynamoDB counts for an item. */
export const itemSize = (item: Item): number => library.itemSize(item);

// dynalite keeps all tables in one LevelDB: the part before the tilde says whose entry it is
export const itemPrefix = (table: string): string => `item-${table}~`;
export const indexPrefix = (type: string, table: string, index = ''): string =>
  `index-${type.toLowerCase()}~${table}~${index && `${index}~`}`;
export const tagPrefix = (arn: string): string => `tag-${arn}~`;
export const tablePrefix = 'table~';

/** The range of all keys that begin with a prefix ending in a tilde. */
export const within = (prefix: string): Range => ({ gte: prefix, lt: `${prefix.slice(0, -1)}\x7f` });

function load(operation: Operation): Action {
  const file = `${operation[0]!.toLowerCase()}${operation.slice(1)}.js`;
  return { run: require(`dynalite/actions/${file}`), ...require(`dynalite/validations/${file}`) };
}

function called<Result>(call: (done: Done<Result>) => void): Promise<Result> {
  return new Promise((resolve, reject) =>
    call((error, result) => (error ? reject(asApiError(error)) : resolve(result as Result))),
  );
}

function asApiError(error: unknown): unknown {
  if (!(error instanceof Error) || !('body' in error)) return error;
  const { __type = '', message, Message, ...extra } = error.body as Record<string, string>;
  return new ApiError(__type.split('#').at(-1)!, message ?? Message ?? '', extra);
}

export type Operation = (typeof itemOperations)[number] | (typeof tableOperations)[number];
export type Input = Record<string, unknown>;
export type Answer = Record<string, unknown>;
/** An item as it travels: `{ name: { S: 'x' } }`. */
export type Item = Record<string, Record<string, unknown>>;
export type Table = {
  TableName: string;
  TableArn: string;
  TableStatus: string;
  KeySchema: { AttributeName: string }[];
};
export type Done<Result> = (error?: Error | null, result?: Result) => void;
export type Range = { gte: string; lt: string };
export type Write = { type: 'put'; key: string; value: unknown } | { type: 'del'; key: string };

type Release = <Callback>(done: Callback) => Callback;
export type ItemDb = {
  lock(key: string, held: (release: Release) => void): void;
  get(key: string, done: Done<Item>): void;
  put(key: string, item: Item, done: Done<void>): void;
  del(key: string, done: Done<void>): void;
};
export type Store = {
  db: {
    open(): Promise<void>;
    close(): Promise<void>;
    get(key: string): Promise<unknown>;
    put(key: string, value: unknown): Promise<void>;
    del(key: string): Promise<void>;
    batch(writes: Write[]): Promise<void>;
    clear(range: Range): Promise<void>;
    iterator(range: Range): AsyncIterable<[string, unknown]>;
  };
  getTable(name: string, done: Done<Table>): void;
  getTable(name: string, mustBeActive: boolean, done: Done<Table>): void;
  getItemDb(table: string): ItemDb;
  getIndexDb(type: string, table: string, index: string): ItemDb;
};
type Action = { run(store: Store, checked: Input, done: Done<Answer>): void; types: object; custom?: unknown };
type Library = {
  create(options: Record<string, unknown>): Store;
  createKey(item: Item, table: Table): string;
  validateKey(key: Item, table: Table): Error | null | undefined;
  validateItem(item: Item, table: Table): Error | null | undefined;
  itemSize(item: Item): number;
};
type Validations = {
  checkTypes(input: Input, types: object): Input;
  checkValidations(input: Input, types: object, custom: unknown, store: Store): void;
};
