import { createRequire } from 'node:module';
import { rememberParsed } from './parsed-expressions.ts';

// The only file that imports dynalite, which is CommonJS without types. We use its storage, validations and actions,
// but not its HTTP server: that one ends the process when the disk fails.
const require = createRequire(import.meta.url);
const library: Library = require('dynalite/db/index.js');
const validations: Validations = require('dynalite/validations/index.js');
const actions = new Map<Operation, Action>();
for (const parser of ['condition', 'projection', 'update']) rememberParsed(require(`dynalite/db/${parser}Parser.js`));

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

/** A dynalite store: LevelDB in the folder `path`, or memory without one. Open it with `store.db.open()`. */
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

/**
 * The storage key of an item within its table, from its key or the whole item. Throws `ApiError` when a key is missing.
 */
export function storageKey(table: Table, { Key, Item }: { Key?: Item; Item?: Item }): string {
  const wrong = Key ? library.validateKey(Key, table) : library.validateItem(Item ?? {}, table);
  if (wrong) throw asApiError(wrong);
  return library.createKey(Key ?? Item!, table);
}

/** Bytes that DynamoDB counts for an item. */
export const itemSize = (item: Item): number => library.itemSize(item);

// dynalite keeps all tables in one LevelDB. The part of a key before the tilde says what the entry belongs to.
export const itemPrefix = (table: string): string => `item-${table}~`;
export const indexPrefix = (type: string, table: string, index = ''): string =>
  `index-${type.toLowerCase()}~${table}~${index && `${index}~`}`;
export const tagPrefix = (arn: string): string => `tag-${arn}~`;
export const tablePrefix = 'table~';

/** The range of all keys that start with a prefix. The prefix ends with a tilde. */
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

/** A refusal as the caller gets it: `status` of HTTP, `type` as in `ConditionalCheckFailedException`. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;
  readonly type: string;
  readonly body: Record<string, unknown>;

  constructor(type: string, message: string, extra: Record<string, unknown> = {}, status = 400) {
    super(message);
    this.status = status;
    this.type = type;
    this.body = { __type: `com.amazonaws.dynamodb.v20120810#${type}`, message, ...extra };
  }
}

/** The request is malformed: DynamoDB's ValidationException. */
export const invalid = (message: string): ApiError => new ApiError('ValidationException', message);

export type Operation = (typeof itemOperations)[number] | (typeof tableOperations)[number];
export type Input = Record<string, unknown>;
export type Answer = Record<string, unknown>;
/** An item in the format of the API: `{ name: { S: 'x' } }`. */
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
    open(options?: { maxOpenFiles?: number }): Promise<void>;
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
