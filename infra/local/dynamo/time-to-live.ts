import type { Clock } from '../../../lib/kernel/clock.ts';
import {
  type Answer,
  ApiError,
  check,
  findTable,
  type Input,
  type Item,
  invalid,
  itemPrefix,
  perform,
  type Store,
  within,
} from './dynalite.ts';
import type { TableSettings } from './table-settings.ts';

const fiveYearsInSeconds = 5 * 365 * 24 * 60 * 60;

/** UpdateTimeToLive. Throws `ApiError` as DynamoDB does when it is already on, or off. */
export async function updateTimeToLive(store: Store, settings: TableSettings, input: Input): Promise<Answer> {
  const table = String(input.TableName);
  const { AttributeName: attribute, Enabled: enabled } = (input.TimeToLiveSpecification ?? {}) as Input;
  if (typeof attribute !== 'string' || attribute === '' || typeof enabled !== 'boolean')
    throw invalid('TimeToLiveSpecification needs AttributeName and Enabled');
  await findTable(store, table);
  const current = settings.get('time-to-live', table);
  if (enabled && current === attribute) throw invalid('TimeToLive is already enabled');
  if (!enabled && current === undefined) throw invalid('TimeToLive is already disabled');
  if (current !== undefined && current !== attribute)
    throw invalid(`TimeToLive is active on a different AttributeName: current AttributeName is ${current}`);
  await settings.set('time-to-live', table, enabled ? attribute : undefined);
  return { TimeToLiveSpecification: { AttributeName: attribute, Enabled: enabled } };
}

/** DescribeTimeToLive. */
export async function describeTimeToLive(store: Store, settings: TableSettings, input: Input): Promise<Answer> {
  const table = String(input.TableName);
  await findTable(store, table);
  const attribute = settings.get('time-to-live', table);
  return {
    TimeToLiveDescription: attribute
      ? { TimeToLiveStatus: 'ENABLED', AttributeName: attribute }
      : { TimeToLiveStatus: 'DISABLED' },
  };
}

/**
 * Deletes expired items: those whose attribute is a time in seconds since the epoch, at most five years ago. An item
 * that was renewed meanwhile stays. Spec: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/TTL.html
 */
export async function sweepExpired(store: Store, settings: TableSettings, clock: Clock): Promise<void> {
  for (const [table, attribute] of settings.all('time-to-live'))
    await sweepTable(store, table, attribute, Math.floor(clock.now() / 1000)).catch(
      unless('ResourceNotFoundException'), // Deleted meanwhile.
    );
}

async function sweepTable(store: Store, name: string, attribute: string, now: number): Promise<void> {
  const keyNames = (await findTable(store, name)).KeySchema.map((key) => key.AttributeName);
  for await (const [, value] of store.db.iterator(within(itemPrefix(name)))) {
    const item = value as Item;
    const expiry = item[attribute]?.N;
    if (expiry === undefined || Number(expiry) < now - fiveYearsInSeconds || Number(expiry) >= now) continue;
    const unchanged = check('DeleteItem', store, {
      TableName: name,
      Key: Object.fromEntries(keyNames.map((key) => [key, item[key]])),
      ConditionExpression: '#expiry = :expiry',
      ExpressionAttributeNames: { '#expiry': attribute },
      ExpressionAttributeValues: { ':expiry': { N: expiry } },
    });
    await perform('DeleteItem', store, unchanged).catch(unless('ConditionalCheckFailedException')); // Renewed meanwhile.
  }
}

function unless(type: string): (error: unknown) => void {
  return (error) => {
    if (!(error instanceof ApiError && error.type === type)) throw error;
  };
}
