import type { Clock } from '../../../lib/kernel/clock.ts';
import {
  type Answer,
  check,
  type Input,
  invalid,
  itemOperations,
  type Operation,
  perform,
  type Store,
  tableOperations,
} from './dynalite.ts';
import { performShowingFailedItem } from './failed-conditions.ts';
import { rememberingTables } from './known-tables.ts';
import { createRequestTokens } from './request-tokens.ts';
import { describeContinuousBackups, openTableSettings, updateContinuousBackups } from './table-settings.ts';
import { describeTimeToLive, sweepExpired, updateTimeToLive } from './time-to-live.ts';
import { transactGet, transactWrite } from './transactions.ts';

/** Of all tables of a call. dynalite counts them for each table. */
const maxBatchWrites = 25;

/** Runs one operation of the DynamoDB API on its parsed body. Throws `ApiError` when DynamoDB would refuse. */
export type Handle = (input: Input) => Promise<Answer>;

/** Every operation that the local DynamoDB supports, by name, and the sweep that deletes what has expired. */
export async function openOperations(plain: Store, clock: Clock) {
  const { remembering: store, changing } = rememberingTables(plain);
  const settings = await openTableSettings(store);
  const tokens = createRequestTokens(store, clock);
  const handlers = new Map<string, Handle>();

  for (const operation of itemOperations) handlers.set(operation, (input) => onItems(store, operation, input));
  for (const operation of tableOperations)
    handlers.set(operation, async (input) => perform(operation, plain, check(operation, plain, input)));
  for (const operation of ['CreateTable', 'UpdateTable', 'DeleteTable']) {
    const handle = handlers.get(operation)!;
    handlers.set(operation, (input) => changing(() => handle(input)));
  }
  const deleteTable = handlers.get('DeleteTable')!;
  handlers.set('DeleteTable', async (input) => {
    const answer = await deleteTable(input);
    await settings.forget(String(input.TableName));
    return answer;
  });
  handlers.set('TransactWriteItems', (input) => transactWrite(store, tokens, input));
  handlers.set('TransactGetItems', (input) => transactGet(store, input));
  handlers.set('UpdateTimeToLive', (input) => updateTimeToLive(store, settings, input));
  handlers.set('DescribeTimeToLive', (input) => describeTimeToLive(store, settings, input));
  handlers.set('UpdateContinuousBackups', (input) => updateContinuousBackups(store, settings, input));
  handlers.set('DescribeContinuousBackups', (input) => describeContinuousBackups(store, settings, input));

  return {
    handlers: handlers as ReadonlyMap<string, Handle>,
    async sweep() {
      await sweepExpired(store, settings, clock);
      await tokens.sweep();
    },
  };
}

async function onItems(store: Store, operation: Operation, input: Input): Promise<Answer> {
  const onFailure = input.ReturnValuesOnConditionCheckFailure;
  if (onFailure != null && onFailure !== 'ALL_OLD' && onFailure !== 'NONE')
    throw invalid('ReturnValuesOnConditionCheckFailure can only be ALL_OLD or NONE');
  const checked = check(operation, store, input);
  if (operation === 'BatchWriteItem' && writesOf(checked) > maxBatchWrites)
    throw invalid('Too many items requested for the BatchWriteItem call');
  return onFailure === 'ALL_OLD'
    ? performShowingFailedItem(operation, store, checked)
    : perform(operation, store, checked);
}

const writesOf = ({ RequestItems }: Input): number =>
  Object.values(RequestItems as Record<string, unknown[]>).flat().length;
