import type { Done, Store, Table } from './dynalite.ts';

/**
 * The same store with a cache of table descriptions, which dynalite reads and parses again for every operation. Wrap in
 * `changing` what creates, alters or deletes a table.
 */
export function rememberingTables(store: Store) {
  const known = new Map<string, Table>();
  let generation = 0;

  const remembering: Store = {
    ...store,
    getTable(name: string, mustBeActive: boolean | Done<Table>, done?: Done<Table>) {
      if (typeof mustBeActive === 'boolean') return store.getTable(name, mustBeActive, done!);
      const table = known.get(name);
      if (table) return mustBeActive(null, table);
      const asked = generation;
      store.getTable(name, (error, found) => {
        // A read that started before a change may return the description from before it.
        if (found?.TableStatus === 'ACTIVE' && asked === generation) known.set(name, found);
        mustBeActive(error, found);
      });
    },
  };

  async function changing<Result>(change: () => Promise<Result>): Promise<Result> {
    forget();
    try {
      return await change();
    } finally {
      forget();
    }
  }

  function forget(): void {
    generation++;
    known.clear();
  }

  return { remembering, changing };
}
