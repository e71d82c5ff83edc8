import { type Answer, findTable, type Input, invalid, type Store, within } from './dynalite.ts';

type Kind = 'time-to-live' | 'backups';

export type TableSettings = {
  get(kind: Kind, table: string): string | undefined;
  set(kind: Kind, table: string, value: string | undefined): Promise<void>;
  /** Tables that have this setting, with its value. */
  all(kind: Kind): [table: string, value: string][];
  /** Deletes all settings of a deleted table. */
  forget(table: string): Promise<void>;
};

/** The settings of tables that dynalite does not keep. They are stored beside the tables and read once. */
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

/** UpdateContinuousBackups: stores the setting alone. A laptop makes no backups. */
export async function updateContinuousBackups(store: Store, settings: TableSettings, input: Input): Promise<Answer> {
  const { PointInTimeRecoveryEnabled: enabled } = (input.PointInTimeRecoverySpecification ?? {}) as Input;
  if (typeof enabled !== 'boolean') throw invalid('PointInTimeRecoverySpecification needs PointInTimeRecoveryEnabled');
  await findTable(store, String(input.TableName));
  await settings.set('backups', String(input.TableName), enabled ? 'ENABLED' : undefined);
  return describeContinuousBackups(store, settings, input);
}

/** DescribeContinuousBackups. */
export async function describeContinuousBackups(store: Store, settings: TableSettings, input: Input): Promise<Answer> {
  await findTable(store, String(input.TableName));
  const status = settings.get('backups', String(input.TableName)) ?? 'DISABLED';
  return {
    ContinuousBackupsDescription: {
      ContinuousBackupsStatus: 'ENABLED',
      PointInTimeRecoveryDescription: { PointInTimeRecoveryStatus: status },
    },
  };
}
