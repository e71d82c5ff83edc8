import * as z from 'zod/mini';
import { rateClassNames } from '../deploy/limits.ts';
import { scopes } from '../deploy/roles.ts';
import { id, page, pageQuery, text, timestamp, version } from './common.ts';
import type { OperationContract } from './operation.ts';

/** `mobile` and `web` applications run on other people's devices and keep no secret: they send a Client-Id. The others have keys. */
export const applicationKinds = ['mobile', 'web', 'server', 'analytics'] as const;
export type ApplicationKind = (typeof applicationKinds)[number];

/** Whether applications of this kind keep no secret: public clients in the words of RFC 6749 §2.1. */
export const isPublicClient = (kind: ApplicationKind): boolean => kind === 'mobile' || kind === 'web';

/** Limits: applications of a shop, keys of an application, origins or identity clients of an application. */
export const maxApplications = 100;
export const maxKeys = 5;
/** How many of a shop's applications one that another application registered may register itself. */
export const maxRegisteredBy = 20;
const maxListed = 20;

const name = text(100);
const contact = z.string().check(z.trim(), z.toLowerCase(), z.maxLength(254), z.email());
const scopeList = z.array(z.enum(scopes)).check(z.maxLength(scopes.length), unique('has a scope twice'));
const rateClass = z.enum(rateClassNames);

/** An origin as a browser sends it: scheme, host and port only. Only `localhost` may omit TLS. */
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
  registeredBy: z.nullable(id('application')),
  createdAt: timestamp,
  updatedAt: timestamp,
  version,
});
export type ApplicationView = z.output<typeof application>;

const key = z.object({
  id: id('appKey'),
  createdAt: timestamp,
  expiresAt: z.nullable(timestamp),
  /** Rounded to the hour. */
  lastUsedAt: z.nullable(timestamp),
  createdBy: z.nullable(id('appKey')),
});
export type KeyView = z.output<typeof key>;

const applicationWithKeys = z.extend(application, { keys: z.array(key) });

const applicationPath = z.strictObject({ applicationId: id('application') });

export const createApplication = {
  summary: 'Register an application',
  description:
    'Its Client-Id works at once. An application can only grant scopes it has itself. One that another application registered has at most 20 of its own, and cannot grant `applications:manage`.',
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
        error: 'is only allowed for a web application',
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
  summary: 'Read an application and the state of its keys',
  path: applicationPath,
  responses: { 200: applicationWithKeys },
  problems: ['not-found'],
  etag: true,
} as const satisfies OperationContract;

export const updateApplication = {
  summary: 'Change, suspend or reactivate an application',
  description:
    'Takes effect within a second. An application cannot change its own scopes or status, nor an application that has scopes it lacks, nor, if another application registered it, one that was registered when the stage was set up.',
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
  problems: [
    'not-found',
    'version-stale',
    'scopes-exceeded',
    'own-application',
    'owners-application',
    'identity-client-taken',
  ],
  ifMatch: true,
} as const satisfies OperationContract;

export const deleteApplication = {
  summary: 'Delete an application and its keys, and end its sessions',
  description: 'Takes effect within a second. Its usage figures and audit records stay.',
  path: applicationPath,
  responses: { 204: null },
  problems: ['not-found', 'scopes-exceeded', 'own-application', 'owners-application'],
} as const satisfies OperationContract;

export const createKey = {
  summary: 'Create a key for an application',
  description:
    'The answer shows the key. Only the same credential with the same Idempotency-Key gets it again, because the key itself is never stored. A key works for a year unless `expiresAt` says otherwise. To replace a key without a gap, create the next one, switch to it, then delete the old one. Only `server` and `analytics` applications have keys.',
  path: applicationPath,
  body: z.strictObject({ expiresAt: z.optional(z.nullable(timestamp)) }),
  responses: { 201: z.extend(key, { key: z.string() }) },
  problems: ['not-found', 'scopes-exceeded', 'owners-application', 'kind-has-no-keys', 'too-many-keys'],
  idempotency: 'accepted',
} as const satisfies OperationContract;

export const deleteKey = {
  summary: 'Delete a key; it stops working with the next request',
  path: z.strictObject({ applicationId: id('application'), keyId: id('appKey') }),
  responses: { 204: null },
  problems: ['not-found', 'scopes-exceeded', 'owners-application'],
} as const satisfies OperationContract;

function unique<T extends string>(message: string) {
  return z.refine<T[]>((list) => new Set(list).size === list.length, message);
}

function isOrigin(text: string): boolean {
  const url = URL.parse(text);
  return url !== null && url.origin === text && (url.protocol === 'https:' || url.hostname === 'localhost');
}
