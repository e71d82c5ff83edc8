import * as z from 'zod/mini';
import { domainEvents } from '../events/domain-events.ts';
import { webhookEvents } from '../events/webhook-events.ts';
import { id, page, pageQuery, prose, timestamp, version } from './common.ts';
import type { OperationContract } from './operation.ts';

/** Endpoints of an application. */
export const maxWebhookEndpoints = 20;

const types = [...domainEvents, ...webhookEvents].map(({ type }) => type);
const groups = [...new Set(types.map((type) => `${type.slice(0, type.indexOf('.'))}.*`))];
/** What an endpoint can ask for: single types, all of one kind, or all. */
const selector = z.enum(['*', ...groups, ...types] as [string, ...string[]]);

const events = z.array(selector).check(
  z.minLength(1),
  z.maxLength(types.length),
  z.refine((list) => new Set(list).size === list.length, 'has a type twice'),
);

const url = z.string().check(z.maxLength(2000), z.regex(/^https?:\/\/[^\s#]+$/, 'is not an https address'));

/** Not what this side, the connection or the signature says. */
const reserved =
  /^(host|content-.*|connection|transfer-encoding|te|trailer|upgrade|expect|user-agent|webhook-.*|proxy-.*)$/;
const headers = z
  .record(
    z.string().check(
      z.regex(/^[a-z0-9][a-z0-9-]{0,63}$/, 'is not the name of a header field in lower case'),
      z.refine((name) => !reserved.test(name), 'is a header field that cannot be set'),
    ),
    z.string().check(z.regex(/^[\x20-\x7e]{1,500}$/, 'is not 1 to 500 printable ASCII characters')),
  )
  .check(z.refine((record) => Object.keys(record).length <= 5, 'has more than 5 header fields'));

const description = prose(200);

/** Requests a second. */
const rateLimit = z.nullable(z.int().check(z.gte(1), z.lte(100)));

const endpoint = z.object({
  id: id('webhookEndpoint'),
  url: z.string(),
  events: z.array(z.string()),
  description: z.string(),
  headers: z.record(z.string(), z.string()),
  ordered: z.boolean(),
  rateLimit,
  status: z.enum(['active', 'disabled']),
  disabledBecause: z.nullable(z.enum(['owner', 'gone', 'failing'])),
  failingSince: z.nullable(timestamp),
  createdAt: timestamp,
  updatedAt: timestamp,
  version,
});
export type WebhookEndpointView = z.output<typeof endpoint>;

const withSecret = z.extend(endpoint, { secret: z.string() });

const delivery = z.object({
  id: id('delivery'),
  eventId: id('event'),
  type: z.string(),
  status: z.enum(['pending', 'succeeded', 'failed']),
  replay: z.boolean(),
  attempts: z.int(),
  nextAttemptAt: z.nullable(timestamp),
  lastAttempt: z.nullable(
    z.object({
      at: timestamp,
      status: z.nullable(z.int()),
      body: z.string(),
      error: z.nullable(z.string()),
      milliseconds: z.int(),
    }),
  ),
  createdAt: timestamp,
});
export type WebhookDeliveryView = z.output<typeof delivery>;

const endpointPath = z.strictObject({ endpointId: id('webhookEndpoint') });
const deliveryPath = z.strictObject({ endpointId: id('webhookEndpoint'), deliveryId: id('delivery') });

export const createWebhookEndpoint = {
  summary: 'Have events sent to an address',
  description:
    'From a second after the answer on, each event of these types is sent to `url` as a `POST`, signed by the Standard Webhooks specification with the `secret` of the answer. No later answer shows the secret. An endpoint belongs to the application that creates it.',
  body: z.strictObject({
    url,
    events,
    description: z._default(description, ''),
    headers: z._default(headers, {}),
    ordered: z._default(z.boolean(), false),
    rateLimit: z._default(rateLimit, null),
  }),
  responses: { 201: withSecret },
  headers: ['Location', 'ETag'],
  problems: ['too-many-webhook-endpoints'],
  idempotency: 'accepted',
} as const satisfies OperationContract;

export const listWebhookEndpoints = {
  summary: 'List your webhook endpoints, oldest first',
  description: 'Those of the application that asks. An application has at most 20.',
  responses: { 200: z.object({ data: z.array(endpoint) }) },
} as const satisfies OperationContract;

export const getWebhookEndpoint = {
  summary: 'Read a webhook endpoint',
  description: 'Without its secret, which is shown when the endpoint is created and when the secret is replaced.',
  path: endpointPath,
  responses: { 200: endpoint },
  problems: ['not-found'],
  etag: true,
} as const satisfies OperationContract;

export const updateWebhookEndpoint = {
  summary: 'Change, disable or enable a webhook endpoint',
  description:
    'What waits for a disabled endpoint is sent when it is active again; events that happen meanwhile are not. Read them with `GET /events`.',
  path: endpointPath,
  body: z
    .strictObject({
      url: z.optional(url),
      events: z.optional(events),
      description: z.optional(description),
      headers: z.optional(headers),
      ordered: z.optional(z.boolean()),
      rateLimit: z.optional(rateLimit),
      status: z.optional(z.enum(['active', 'disabled'])),
    })
    .check(z.refine((body) => Object.keys(body).length > 0, 'has nothing to change')),
  responses: { 200: endpoint },
  problems: ['not-found', 'version-stale'],
  ifMatch: true,
} as const satisfies OperationContract;

export const deleteWebhookEndpoint = {
  summary: 'Delete a webhook endpoint; nothing more is sent to it',
  description: 'What waits for it is dropped.',
  path: endpointPath,
  responses: { 204: null },
  problems: ['not-found'],
} as const satisfies OperationContract;

export const rotateWebhookSecret = {
  summary: 'Replace the signing secret of a webhook endpoint',
  description:
    'The answer shows the new secret. For a day, requests carry signatures of the new and of the old secret, so that your receiver can change at any time.',
  path: endpointPath,
  responses: { 200: withSecret },
  problems: ['not-found'],
} as const satisfies OperationContract;

export const pingWebhookEndpoint = {
  summary: 'Send a test to a webhook endpoint',
  description:
    'Sends a `webhook.ping` within a second or two, signed like an event. Read with `GET /webhook-endpoints/{endpointId}/deliveries` what came of it.',
  path: endpointPath,
  responses: { 202: delivery },
  problems: ['not-found'],
} as const satisfies OperationContract;

export const listWebhookDeliveries = {
  summary: 'List what was sent to a webhook endpoint, newest first',
  description: 'Deliveries are kept for 30 days. `lastAttempt` has the first 2 KB of what your receiver answered.',
  path: endpointPath,
  query: z.strictObject(pageQuery),
  responses: { 200: page(delivery) },
  problems: ['not-found', 'invalid-cursor'],
} as const satisfies OperationContract;

export const retryWebhookDelivery = {
  summary: 'Send a webhook again',
  description: 'Sends the event as it was, now, whatever came of it before. It has all its attempts again.',
  path: deliveryPath,
  responses: { 202: delivery },
  problems: ['not-found'],
} as const satisfies OperationContract;

export const replayWebhookEvents = {
  summary: 'Send events of the past to a webhook endpoint again',
  description:
    'Sends what was written between two times, of the types that the endpoint wants, each with the header `webhook-replay: true`: to an endpoint that is new, or whose receiver has lost its data. A request replays up to 1,000 events; go on with `next` as `from` until it is null. Know events that you had by `webhook-id`.',
  path: endpointPath,
  body: z.strictObject({ from: timestamp, to: z.optional(timestamp) }),
  responses: { 202: z.object({ events: z.int(), next: z.nullable(timestamp) }) },
  problems: ['not-found'],
} as const satisfies OperationContract;
