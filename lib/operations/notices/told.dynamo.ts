import { type DocumentClient, isConditionFailed } from '../../database/document-client.dynamo.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { Notice } from './notice.ts';

/** What each target was told last of each alarm, and who tells it of a change now. */
export type ToldStore = { client: DocumentClient; table: string; clock: Clock };

type Told = {
  state?: Notice['state'];
  changedAt?: number;
  /** The time of the change that somebody tells now, who is given up at `until`. */
  telling?: number;
  until?: number;
};

/** Longer than any target may take. */
const tellMs = 60_000;

/**
 * Asks whether a target is to be told of a change. `told`: it knows, or knows something newer, or is being told by another
 * invocation. `waits`: it is being told of another change, so that this one comes too early. `mine`: the caller tells it, and then
 * calls `settle`.
 */
export async function claim(store: ToldStore, notice: Notice, target: string): Promise<'told' | 'waits' | 'mine'> {
  const { alarm, state, changedAt } = notice;
  const now = store.clock.now();
  const { Item = {} } = await store.client.get({
    TableName: store.table,
    Key: { alarm, target },
    ConsistentRead: true,
  });
  const last = Item as Told;
  if ((last.changedAt ?? 0) >= changedAt) return 'told';
  if (last.telling !== undefined && last.until! > now) return last.telling === changedAt ? 'told' : 'waits';
  // Whoever was never told of an alarm takes it to be well.
  const isNews = (last.state ?? 'ok') !== state;
  const isDone = await update(store, notice, target, {
    set: isNews ? { telling: changedAt, until: now + tellMs } : { state, changedAt },
    condition:
      '(attribute_not_exists(changedAt) or changedAt < :at) and (attribute_not_exists(telling) or #until <= :now)',
    values: { ':at': changedAt, ':now': now },
  });
  // Somebody was faster: what they do says what this one is.
  if (!isDone) return claim(store, notice, target);
  return isNews ? 'mine' : 'told';
}

/** Ends what `claim` began: the target was told, or is to be told again. */
export async function settle(store: ToldStore, notice: Notice, target: string, wasTold: boolean): Promise<void> {
  const { state, changedAt } = notice;
  await update(store, notice, target, {
    set: wasTold ? { state, changedAt } : {},
    condition: 'telling = :at',
    values: { ':at': changedAt },
    frees: true,
  });
}

type Change = { set: object; condition: string; values: object; frees?: true };

/** @returns whether the condition held */
async function update(
  { client, table }: ToldStore,
  { alarm }: Notice,
  target: string,
  { set, condition, values, frees }: Change,
): Promise<boolean> {
  const names = Object.keys(set);
  const sets = names.length === 0 ? '' : `set ${names.map((name) => `#${name} = :${name}`).join(', ')}`;
  try {
    await client.update({
      TableName: table,
      Key: { alarm, target },
      UpdateExpression: `${sets} ${frees ? 'remove telling, #until' : ''}`.trim(),
      ConditionExpression: condition,
      ExpressionAttributeNames: {
        ...Object.fromEntries(names.map((name) => [`#${name}`, name])),
        ...(frees || condition.includes('#until') ? { '#until': 'until' } : {}),
      },
      ExpressionAttributeValues: {
        ...values,
        ...Object.fromEntries(Object.entries(set).map(([name, value]) => [`:${name}`, value])),
      },
    });
    return true;
  } catch (error) {
    if (isConditionFailed(error)) return false;
    throw error;
  }
}
