import type { VersionCondition } from '../../contract/api/common.ts';
import { Problem } from '../../contract/api/problems.ts';
import {
  maxWebhookEndpoints,
  type WebhookDeliveryView,
  type WebhookEndpointView,
} from '../../contract/api/webhooks.ts';
import { webhookPing } from '../../contract/events/webhook-events.ts';
import { toTimestamp } from '../../kernel/clock.ts';
import { derivedId, newId } from '../../kernel/ids.ts';
import { type AllowedTargets, checkUrl, TargetRefused } from './address.ts';
import {
  addDeliveries,
  type DeliveryItem,
  dueKey,
  newDelivery,
  readDelivery,
  requeueDelivery,
} from './deliveries.dynamo.ts';
import {
  changeEndpoint,
  deleteEndpoint,
  type EndpointFields,
  type EndpointItem,
  type EndpointItemChanges,
  insertEndpoint,
  listEndpoints,
  readEndpoint,
  type WebhookStore,
} from './endpoints.dynamo.ts';
import { newSecret } from './sign.ts';

const day = 24 * 3600_000;

export type EndpointChanges = { [Field in keyof EndpointFields]?: EndpointFields[Field] | undefined } & {
  status?: EndpointItem['status'] | undefined;
};

/**
 * Registers an endpoint of an application. A repeat under the same idempotency key gets the first answer, secret included.
 * @throws Problem invalid-input, too-many-webhook-endpoints, idempotency-key-reused
 */
export async function createEndpoint(
  store: WebhookStore,
  applicationId: string,
  fields: EndpointFields,
  { key, fingerprint, allowed }: { key: string | undefined; fingerprint: string; allowed: AllowedTargets },
): Promise<{ item: EndpointItem; replayed: boolean }> {
  requireUrl(fields.url, allowed);
  const now = store.clock.now();
  const endpointId =
    key === undefined ? newId('webhookEndpoint', store.clock) : derivedId('webhookEndpoint', [applicationId, key]);
  const known = await listEndpoints(store, applicationId);
  if (known.length >= maxWebhookEndpoints && !known.some((each) => each.endpointId === endpointId)) {
    throw new Problem(
      'too-many-webhook-endpoints',
      `An application has at most ${maxWebhookEndpoints} webhook endpoints; delete one first.`,
    );
  }
  const { item, inserted } = await insertEndpoint(store, {
    ...fields,
    applicationId,
    endpointId,
    status: 'active',
    disabledBecause: null,
    secrets: [{ secret: newSecret(), until: null }],
    createdAt: now,
    updatedAt: now,
    version: 1,
    ...(key === undefined ? {} : { fingerprint }),
  });
  if (!inserted && item.fingerprint !== fingerprint) {
    throw new Problem('idempotency-key-reused', 'This Idempotency-Key was used to create a different endpoint.');
  }
  return { item, replayed: !inserted };
}

/**
 * An application's own endpoint.
 * @throws Problem not-found
 */
export async function requireEndpoint(
  store: WebhookStore,
  applicationId: string,
  endpointId: string,
): Promise<EndpointItem> {
  const item = await readEndpoint(store, { applicationId, endpointId });
  if (item === undefined) throw new Problem('not-found', 'This webhook endpoint does not exist, or is not yours.');
  return item;
}

/**
 * Changes the given fields of an endpoint, if its version meets the condition. One that is enabled starts without a
 * memory of its failures.
 * @throws Problem not-found, invalid-input, version-stale
 */
export async function updateEndpoint(
  store: WebhookStore,
  item: EndpointItem,
  { status, ...changes }: EndpointChanges,
  { condition: { oneOf, noneOf }, allowed }: { condition: VersionCondition; allowed: AllowedTargets },
): Promise<EndpointItem> {
  if (changes.url !== undefined) requireUrl(changes.url, allowed);
  if (oneOf?.includes(item.version) === false || noneOf?.includes(item.version) === true) throw stale(item);
  const defined = Object.entries(changes).filter(([, value]) => value !== undefined);
  const ofStatus: EndpointItemChanges =
    status === undefined
      ? {}
      : status === 'active'
        ? { status, disabledBecause: null, failingSince: undefined, pausedUntil: undefined }
        : { status, disabledBecause: item.status === 'disabled' ? item.disabledBecause : 'owner' };
  const changed = await changeEndpoint(
    store,
    item,
    { ...Object.fromEntries(defined), ...ofStatus, updatedAt: store.clock.now(), version: item.version + 1 },
    item.version,
  );
  if (changed === undefined) throw stale(item);
  return changed;
}

/** Gives an endpoint a new secret. The one before it works for another day. @throws Problem version-stale */
export async function rotateSecret(store: WebhookStore, item: EndpointItem): Promise<EndpointItem> {
  const now = store.clock.now();
  const [current] = item.secrets;
  const changed = await changeEndpoint(
    store,
    item,
    {
      secrets: [
        { secret: newSecret(), until: null },
        { secret: current!.secret, until: now + day },
      ],
      updatedAt: now,
      version: item.version + 1,
    },
    item.version,
  );
  if (changed === undefined) throw stale(item);
  return changed;
}

export const removeEndpoint = deleteEndpoint;

/** Puts a test on its way to an endpoint. */
export async function ping(store: WebhookStore, { endpointId }: EndpointItem): Promise<DeliveryItem> {
  const id = newId('event', store.clock);
  const delivery = newDelivery(store, endpointId, {
    id,
    type: webhookPing.type,
    version: webhookPing.version,
    subject: endpointId,
    aggregateId: endpointId,
    sequence: 1,
    occurredAt: toTimestamp(store.clock.now()),
    correlationId: null,
    causationId: null,
    data: {},
  });
  await addDeliveries(store, [delivery]);
  return delivery;
}

/**
 * Sends a webhook once more, whatever came of it.
 * @throws Problem not-found
 */
export async function retryDelivery(
  store: WebhookStore,
  endpointId: string,
  deliveryId: string,
): Promise<DeliveryItem> {
  const item = await readDelivery(store, endpointId, deliveryId);
  if (item === undefined) throw new Problem('not-found', 'This delivery does not exist, or is older than 30 days.');
  const queuedAs = item.status === 'pending' ? dueKey(item) : undefined;
  const again: DeliveryItem = { ...item, status: 'pending', attempts: 0, nextAttemptAt: store.clock.now() };
  await requeueDelivery(store, again, queuedAs);
  return again;
}

export const toEndpointView = (item: EndpointItem): WebhookEndpointView => ({
  id: item.endpointId,
  url: item.url,
  events: item.events,
  description: item.description,
  headers: item.headers,
  ordered: item.ordered,
  rateLimit: item.rateLimit,
  status: item.status,
  disabledBecause: item.disabledBecause,
  failingSince: item.failingSince === undefined ? null : toTimestamp(item.failingSince),
  createdAt: toTimestamp(item.createdAt),
  updatedAt: toTimestamp(item.updatedAt),
  version: item.version,
});

/** An endpoint with its newest secret, for the one answer that shows it. */
export const toSecretView = (item: EndpointItem): WebhookEndpointView & { secret: string } => ({
  ...toEndpointView(item),
  secret: item.secrets[0]!.secret,
});

export const toDeliveryView = (item: DeliveryItem): WebhookDeliveryView => ({
  id: item.deliveryId,
  eventId: item.eventId,
  type: item.type,
  status: item.status,
  replay: item.replay,
  attempts: item.attempts,
  nextAttemptAt: item.nextAttemptAt === null ? null : toTimestamp(item.nextAttemptAt),
  lastAttempt: item.last && { ...item.last, at: toTimestamp(item.last.at) },
  createdAt: toTimestamp(item.createdAt),
});

function requireUrl(url: string, allowed: AllowedTargets): void {
  try {
    checkUrl(url, allowed);
  } catch (error) {
    if (!(error instanceof TargetRefused)) throw error;
    throw new Problem('invalid-input', `/url ${error.message}.`, {
      errors: [{ pointer: '/url', detail: error.message }],
    });
  }
}

const stale = ({ version }: EndpointItem) =>
  new Problem('version-stale', `The endpoint is not at version ${version} any more. Read it again.`);
