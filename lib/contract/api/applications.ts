import * as z from 'zod/mini';
import { rateClassNames } from '../deploy/limits.ts';
import { scopes } from '../deploy/roles.ts';
import { id, page, pageQuery, text, timestamp, version } from './common.ts';
import type { OperationContract } from './operation.ts';

/** `mobile` and `web` run on machines of others and keep no secret: they have a Client-Id. The others have keys. */
export const applicationKinds = ['mobile', 'web', 'server', 'analytics'] as const;
export type ApplicationKind = (typeof applicationKinds)[number];

/** Kinds that keep no secret: public clients, as RFC 6749 §2.1 calls them. */
export const isPublicClient = (kind: ApplicationKind): boolean => kind === 'mobile' || kind === 'web';

/** Most applications of a shop, keys of an application, and origins or identity clients of one. */
export const maxApplications = 100;
export const maxKeys = 5;
const maxListed = 20;

const name = text(100);
const contact = z.string().check(z.trim(), z.toLowerCase(), z.maxLength(254), z.email());
const scopeList = z.array(z.enum(scopes)).check(z.maxLength(scopes.length), unique('has a scope twice'));
const rateClass = z.enum(rateClassNames);

/** As a browser sends it: scheme, host and port, and nothing behind them. Only `localhost` goes without TLS. */
const origin = z.string().check(z.maxLength(200), z.refine(isOrigin, 'is not an origin such as https://shop.example'));
const origins = z.array(origin).check(z.maxLength(maxListed), unique('has an origin twice'));
const identityClientIds = z
  .array(z.string().check(z.regex(/^[\x21-\x7e]{1,200}$/, 'is not 1 to 200 visible ASCII characters')))
  .check(z.maxLength(maxListed), unique('has a client twice'));

const status = z.enum(['active', 'suspended']);

export const application = z.object({
  id: id('application'),
  name: z.string(),
  kind: z.enum(applicationKinds),
  status,
  scopes: z.array(z.enum(scopes)),
  rateClass,
  origins: z.array(z.string()),
  identityClientIds: z.array(z.string()),
  contact: z.string(),
  createdAt: timestamp,
  updatedAt: timestamp,
  version,
});
export type ApplicationView = z.output<typeof application>;

const key = z.object({
  id: id('appKey'),
  createdAt: timestamp,
  expiresAt: z.nullable(timestamp),
  /** To the hour. */
  lastUsedAt: z.nullable(timestamp),
});
export type KeyView = z.output<typeof key>;

const applicationWithKeys = z.extend(application, { keys: z.array(key) });

const applicationPath = z.strictObject({ applicationId: id('application') });

export const createApplication = {
  summary: 'Register an application',
  description:
    'A key or a Client-Id of it works at once. Nobody can give more than they have: its scopes must be among those of the application that asks.',
  body: z
    .strictObject({
      name,
      kind: z.enum(applicationKinds),
      scopes: scopeList,
      rateClass: z._default(rateClass, 'standard'),
      origins: z._default(origins, []),
      identityClientIds: z._default(identityClientIds, []),
      contact,
    })
    .check(
      z.refine(({ kind, origins }) => kind === 'web' || origins.length === 0, {
        error: 'are for a web application',
        path: ['origins'],
      }),
    ),
  responses: { 201: application },
  headers: ['Location', 'ETag'],
  problems: ['scopes-exceeded', 'too-many-applications', 'identity-client-taken'],
  idempotency: 'accepted',
} as const satisfies OperationContract;

export const listApplications = {
  summary: 'List the applications, newest first',
  query: z.strictObject(pageQuery),
  responses: { 200: page(application) },
  problems: ['invalid-cursor'],
} as const satisfies OperationContract;

export const getApplication = {
  summary: 'Read an application and what is known of its keys',
  path: applicationPath,
  responses: { 200: applicationWithKeys },
  problems: ['not-found'],
  etag: true,
} as const satisfies OperationContract;

export const updateApplication = {
  summary: 'Change an application, suspend it or let it in again',
  description:
    'Takes effect within a second. An application can neither change its own scopes or status nor that of one that may do more than itself.',
  path: applicationPath,
  body: z
    .strictObject({
      name: z.optional(name),
      status: z.optional(status),
      scopes: z.optional(scopeList),
      rateClass: z.optional(rateClass),
      origins: z.optional(origins),
      identityClientIds: z.optional(identityClientIds),
      contact: z.optional(contact),
    })
    .check(z.refine((body) => Object.keys(body).length > 0, 'has nothing to change')),
  responses: { 200: application },
  problems: ['not-found', 'version-stale', 'scopes-exceeded', 'own-application', 'identity-client-taken'],
  ifMatch: true,
} as const satisfies OperationContract;

export const deleteApplication = {
  summary: 'Remove an application with all its keys; sessions that it opened let nobody in any more',
  description: 'Takes effect within a second. Its record of use and its entries in the audit stay.',
  path: applicationPath,
  responses: { 204: null },
  problems: ['not-found', 'scopes-exceeded', 'own-application'],
} as const satisfies OperationContract;

export const createKey = {
  summary: 'Make a key of an application',
  description:
    'The key is shown this once, so it takes no Idempotency-Key. Several keys at a time let one be replaced without a gap: make the next, use it, then delete the one before. Only `server` and `analytics` applications have keys.',
  path: applicationPath,
  body: z.strictObject({ expiresAt: z.optional(z.nullable(timestamp)) }),
  responses: { 201: z.extend(key, { key: z.string() }) },
  problems: ['not-found', 'scopes-exceeded', 'kind-has-no-keys', 'too-many-keys'],
} as const satisfies OperationContract;

export const deleteKey = {
  summary: 'Take a key out of use, from the next request on',
  path: z.strictObject({ applicationId: id('application'), keyId: id('appKey') }),
  responses: { 204: null },
  problems: ['not-found', 'scopes-exceeded'],
} as const satisfies OperationContract;

function unique<T extends string>(message: string) {
  return z.refine<T[]>((list) => new Set(list).size === list.length, message);
}

function isOrigin(text: string): boolean {
  const url = URL.parse(text);
  return url !== null && url.origin === text && (url.protocol === 'https:' || url.hostname === 'localhost');
}
