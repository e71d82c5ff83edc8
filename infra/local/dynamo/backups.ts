import { invalid } from './api-error.ts';
import { type Answer, findTable, type Input, type Store } from './dynalite.ts';
import type { TableSettings } from './table-settings.ts';

/** UpdateContinuousBackups: remembers the wish; there is nothing to restore from on a laptop. */
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
