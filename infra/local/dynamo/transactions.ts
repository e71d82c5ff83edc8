import {
  type Answer,
  ApiError,
  check,
  findTable,
  type Input,
  type Item,
  type ItemDb,
  indexPrefix,
  invalid,
  itemPrefix,
  itemSize,
  perform,
  type Store,
  storageKey,
  type Write,
} from './dynalite.ts';
import { isFailedCondition } from './failed-conditions.ts';
import type { RequestTokens } from './request-tokens.ts';

const maxItems = 100;
const maxBytes = 4 * 1024 * 1024;

// A condition check is a delete whose writes are not stored.
const operations = {
  Put: 'PutItem',
  Update: 'UpdateItem',
  Delete: 'DeleteItem',
  ConditionCheck: 'DeleteItem',
} as const;

/** One stored item: its table and its storage key. */
type ItemRef = { table: string; key: string };
type Step = { kind: keyof typeof operations; checked: Input; ref: ItemRef; showsFailedItem: boolean };
type Reason = { Code: string; Message?: string; Item?: Item };

/**
 * TransactWriteItems: all or nothing, in one LevelDB batch, so that not even `kill -9` leaves a part of it. With a
 * request token it is idempotent. Throws `ApiError` TransactionCanceledException with a reason for each item. Spec:
 * https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
 */
export async function transactWrite(store: Store, tokens: RequestTokens, input: Input): Promise<Answer> {
  return tokens.once(input.ClientRequestToken, input.TransactItems, async (tokenWrites) => {
    const steps: Step[] = [];
    for (const entry of entriesOf(input)) steps.push(await toStep(store, entry));
    refuseRepeatedItems(steps.map((step) => step.ref));
    await lockingItems(
      store,
      steps.map((step) => step.ref),
      async () => {
        const tried = [];
        for (const step of steps) tried.push(await tryStep(store, step));
        const reasons = tried.map(({ reason }) => reason);
        if (reasons.some(({ Code }) => Code !== 'None')) throw canceled(reasons);
        await store.db.batch([...withinSize(tried.flatMap(({ writes }) => writes)), ...tokenWrites]);
      },
    );
    return {};
  });
}

/** TransactGetItems: a consistent view of several items. Throws `ApiError`. */
export async function transactGet(store: Store, input: Input): Promise<Answer> {
  const gets: { checked: Input; ref: ItemRef }[] = [];
  for (const { Get } of entriesOf(input)) {
    if (!isObject(Get)) throw invalid('TransactItems can only contain Get');
    const checked = check('GetItem', store, Get);
    gets.push({ checked, ref: await refOf(store, checked) });
  }
  const refs = gets.map(({ ref }) => ref);
  refuseRepeatedItems(refs);
  const answers = await lockingItems(store, refs, () =>
    Promise.all(gets.map(({ checked }) => perform('GetItem', store, checked))),
  );
  return { Responses: answers.map(({ Item }) => (Item ? { Item } : {})) };
}

function entriesOf({ TransactItems: entries }: Input): Input[] {
  if (!Array.isArray(entries) || entries.length < 1 || entries.length > maxItems)
    throw invalid(
      `1 validation error detected: Value at 'transactItems' failed to satisfy constraint: Member must have length between 1 and ${maxItems}`,
    );
  if (!entries.every(isObject)) throw new ApiError('SerializationException', 'Unexpected field type');
  return entries;
}

async function toStep(store: Store, entry: Input): Promise<Step> {
  const kinds = Object.keys(entry).filter((kind) => entry[kind] != null);
  const kind = kinds[0] as Step['kind'];
  const request = entry[kind];
  if (kinds.length !== 1 || !Object.hasOwn(operations, kind) || !isObject(request))
    throw invalid('TransactItems can only contain one of Check, Put, Update or Delete');
  if (kind === 'ConditionCheck' && !request.ConditionExpression)
    throw invalid('The expression can not be empty; ConditionCheck needs a ConditionExpression');
  if (kind === 'Update' && !request.UpdateExpression)
    throw invalid('The expression can not be empty; Update needs an UpdateExpression');
  const showsFailedItem = request.ReturnValuesOnConditionCheckFailure === 'ALL_OLD';
  const checked = check(operations[kind], store, request);
  return { kind, checked, ref: await refOf(store, checked), showsFailedItem };
}

async function refOf(store: Store, checked: Input): Promise<ItemRef> {
  const table = checked.TableName as string;
  return { table, key: storageKey(await findTable(store, table), checked as { Key?: Item; Item?: Item }) };
}

/**
 * Runs `work` while nothing else can write these items. Single writes take the same locks, and writes to other items
 * continue. The locks are taken in one order everywhere, so two transactions cannot wait for each other.
 */
async function lockingItems<Result>(store: Store, refs: ItemRef[], work: () => Promise<Result>): Promise<Result> {
  const releases: (() => void)[] = [];
  try {
    for (const ref of refs.toSorted(byTableAndKey)) releases.push(await lockItem(store, ref));
    return await work();
  } finally {
    for (const release of releases.reverse()) release();
  }
}

function lockItem(store: Store, { table, key }: ItemRef): Promise<() => void> {
  return new Promise((resolve) => store.getItemDb(table).lock(key, (release) => resolve(release(() => {}))));
}

function byTableAndKey(a: ItemRef, b: ItemRef): number {
  if (a.table !== b.table) return a.table < b.table ? -1 : 1;
  return a.key < b.key ? -1 : a.key > b.key ? 1 : 0;
}

function refuseRepeatedItems(refs: ItemRef[]): void {
  if (new Set(refs.map(({ table, key }) => `${table}~${key}`)).size < refs.length)
    throw invalid('Transaction request cannot include multiple operations on one item');
}

/** Runs one step on a store that collects its writes instead of storing them. */
async function tryStep(
  store: Store,
  { kind, checked, showsFailedItem }: Step,
): Promise<{ reason: Reason; writes: Write[] }> {
  const { aside, writes, seen } = writingAside(store);
  try {
    await perform(operations[kind], aside, checked);
    return { reason: { Code: 'None' }, writes: kind === 'ConditionCheck' ? [] : writes };
  } catch (error) {
    return { reason: toReason(error, showsFailedItem ? seen() : undefined), writes: [] };
  }
}

function writingAside(store: Store) {
  const writes: Write[] = [];
  let seen: Item | undefined;
  const asideDb = (prefix: string, get: ItemDb['get']): ItemDb => ({
    // The transaction already holds the locks.
    lock: (_key, held) => held((done) => done),
    get,
    put(key, value, done) {
      writes.push({ type: 'put', key: prefix + key, value });
      done();
    },
    del(key, done) {
      writes.push({ type: 'del', key: prefix + key });
      done();
    },
  });
  const aside: Store = {
    ...store,
    getItemDb: (table) =>
      asideDb(itemPrefix(table), (key, done) =>
        store.getItemDb(table).get(key, (error, item) => {
          seen = item;
          done(error, item);
        }),
      ),
    getIndexDb: (type, table, index) =>
      asideDb(indexPrefix(type, table, index), store.getIndexDb(type, table, index).get),
  };
  return { aside, writes, seen: () => seen };
}

function toReason(error: unknown, item: Item | undefined): Reason {
  if (isFailedCondition(error))
    return { Code: 'ConditionalCheckFailed', Message: error.message, ...(item ? { Item: item } : {}) };
  if (error instanceof ApiError && error.type === 'ValidationException')
    return { Code: 'ValidationError', Message: error.message };
  throw error;
}

function canceled(reasons: Reason[]): ApiError {
  const codes = reasons.map(({ Code }) => Code).join(', ');
  return new ApiError(
    'TransactionCanceledException',
    `Transaction cancelled, please refer cancellation reasons for specific reasons [${codes}]`,
    { CancellationReasons: reasons },
  );
}

function withinSize(writes: Write[]): Write[] {
  const bytes = writes.reduce((sum, write) => sum + (write.type === 'put' ? itemSize(write.value as Item) : 0), 0);
  if (bytes > maxBytes) throw invalid('Transaction request size has exceeded the maximum of 4 MB');
  return writes;
}

function isObject(value: unknown): value is Input {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
