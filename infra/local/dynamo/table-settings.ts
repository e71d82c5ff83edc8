import { type Store, within } from './dynalite.ts';

type Kind = 'time-to-live' | 'backups';

export type TableSettings = {
  get(kind: Kind, table: string): string | undefined;
  set(kind: Kind, table: string, value: string | undefined): Promise<void>;
  /** Tables that have this setting, with its value. */
  all(kind: Kind): [table: string, value: string][];
  /** Drops all settings of a deleted table. */
  forget(table: string): Promise<void>;
};

/** What dynalite does not keep about a table, kept beside the tables and read once. */
export async function openTableSettings({ db }: Store): Promise<TableSettings> {
  const kinds: Record<Kind, Map<string, string>> = { 'time-to-live': new Map(), backups: new Map() };
  const names = Object.keys(kinds) as Kind[];
  for (const kind of names)
    for await (const [key, value] of db.iterator(within(prefixOf(kind))))
      kinds[kind].set(key.slice(prefixOf(kind).length), value as string);

  async function set(kind: Kind, table: string, value: string | undefined): Promise<void> {
    const key = prefixOf(kind) + table;
    if (value === undefined) {
      await db.del(key);
      kinds[kind].delete(table);
    } else {
      await db.put(key, value);
      kinds[kind].set(table, value);
    }
  }

  return {
    get: (kind, table) => kinds[kind].get(table),
    set,
    all: (kind) => [...kinds[kind]],
    async forget(table) {
      for (const kind of names) if (kinds[kind].has(table)) await set(kind, table, undefined);
    },
  };
}

const prefixOf = (kind: Kind): string => `setting-${kind}~`;
