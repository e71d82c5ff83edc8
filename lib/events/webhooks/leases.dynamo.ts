import { randomUUID } from 'node:crypto';
import type { UpdateCommandInput } from '@aws-sdk/lib-dynamodb';
import { isConditionFailed } from '../../database/document-client.dynamo.ts';
import type { EndpointItem, EndpointKey, WebhookStore } from './endpoints.dynamo.ts';

/*
 * The lease of an endpoint: one sender works on it at a time. Whoever brings something and finds the lease taken leaves a mark,
 * and the sender that has the lease cannot give it back over a mark. So nothing waits for the job that wakes senders, and no
 * sender looks at its queue only to see that nothing came.
 */

/** How often a lease is tried that ends while it is asked for. */
const mostTries = 3;

/**
 * Takes the lease of an endpoint. When a sender has it, that one looks again before it ends.
 * @returns the endpoint; undefined when there is none to be had: it is gone, disabled, paused, or a sender has it
 */
export async function leaseEndpoint(
  store: WebhookStore,
  key: EndpointKey,
  forMs: number,
): Promise<EndpointItem | undefined> {
  const lease = randomUUID();
  for (let tries = 0; tries < mostTries; tries++) {
    const now = store.clock.now();
    const found = await update(store, key, {
      UpdateExpression: 'SET lease = :lease, sendingUntil = :until REMOVE lookAgain',
      // It may be this one's already: a call whose answer was lost is sent again.
      ConditionExpression:
        '#status = :active AND (attribute_not_exists(sendingUntil) OR sendingUntil < :now OR lease = :lease) AND (attribute_not_exists(pausedUntil) OR pausedUntil <= :now)',
      ExpressionAttributeNames: { '#status': 'status' },
      ExpressionAttributeValues: { ':lease': lease, ':until': now + forMs, ':now': now, ':active': 'active' },
    });
    if ('endpoint' in found) return found.endpoint;
    const { status, lease: holder, pausedUntil = 0, lookAgain } = found.refusedFor;
    if (status !== 'active' || pausedUntil > now || lookAgain === true) return undefined;
    if (holder !== undefined && (await askHolder(store, key, holder))) return undefined;
  }
  return undefined;
}

/** @returns whether the same sender still has the lease, and will look again */
async function askHolder(store: WebhookStore, key: EndpointKey, holder: string): Promise<boolean> {
  const marked = await update(store, key, {
    UpdateExpression: 'SET lookAgain = :true',
    ConditionExpression: 'lease = :holder',
    ExpressionAttributeValues: { ':true': true, ':holder': holder },
  });
  return 'endpoint' in marked;
}

/** What a sender leaves to the next one. */
export type Left = Partial<Record<'nextSendAt' | 'pausedUntil' | 'waitingUntil', number | undefined>>;

/**
 * Gives a lease back, unless something came meanwhile: then the sender keeps it and has to look again. A lease that was lost is
 * left alone.
 * @param anyway also gives it back when something came
 * @returns whether it is given back
 */
export async function returnLease(
  store: WebhookStore,
  endpoint: EndpointItem,
  left: Left,
  anyway = false,
): Promise<boolean> {
  const sets = Object.entries(left).filter(([, value]) => value !== undefined);
  const { lease: mine } = endpoint;
  const returned = await update(store, endpoint, {
    UpdateExpression: [
      ...(sets.length === 0 ? [] : [`SET ${sets.map(([name]) => `${name} = :${name}`).join(', ')}`]),
      'REMOVE lease, sendingUntil, lookAgain',
    ].join(' '),
    ConditionExpression: `lease = :mine${anyway ? '' : ' AND attribute_not_exists(lookAgain)'}`,
    ExpressionAttributeValues: {
      ...Object.fromEntries(sets.map(([name, value]) => [`:${name}`, value])),
      ':mine': mine,
    },
  });
  if ('endpoint' in returned || returned.refusedFor.lease !== mine) return true;
  await update(store, endpoint, {
    UpdateExpression: 'REMOVE lookAgain',
    ConditionExpression: 'lease = :mine',
    ExpressionAttributeValues: { ':mine': mine },
  });
  return false;
}

type Found = { endpoint: EndpointItem } | { refusedFor: Partial<EndpointItem> };

/** @returns the endpoint as it is now; or as it was, when the condition did not hold for it */
async function update(
  { client, endpoints }: WebhookStore,
  { applicationId, endpointId }: EndpointKey,
  input: Omit<UpdateCommandInput, 'TableName' | 'Key'>,
): Promise<Found> {
  try {
    const { Attributes } = await client.update({
      ...input,
      TableName: endpoints,
      Key: { applicationId, endpointId },
      ReturnValues: 'ALL_NEW',
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    });
    return { endpoint: Attributes as EndpointItem };
  } catch (error) {
    if (!isConditionFailed(error)) throw error;
    const item = Object.entries(error.Item ?? {}).map(([name, value]) => [name, plain(value)]);
    return { refusedFor: Object.fromEntries(item) as Partial<EndpointItem> };
  }
}

/** The document client leaves the item of an error as it came: `{ N: '5' }`. */
function plain(value: unknown): unknown {
  const { S, N, BOOL } = value as { S?: string; N?: string; BOOL?: boolean };
  return S ?? BOOL ?? (N === undefined ? value : Number(N));
}
