import type { Store } from './dynalite.ts';

/** One stored item: its table and its storage key. */
export type ItemRef = { table: string; key: string };

/**
 * Runs `work` while no one else can write these items. They are the same locks that single writes take, so writes to
 * other items go on meanwhile; taken in one order everywhere, so two transactions cannot wait for each other.
 */
export async function lockingItems<Result>(
  store: Store,
  refs: ItemRef[],
  work: () => Promise<Result>,
): Promise<Result> {
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
