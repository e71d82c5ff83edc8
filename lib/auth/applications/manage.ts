import { createHash } from 'node:crypto';
import { isPublicClient, type KeyView } from '../../contract/api/applications.ts';
import type { App } from '../../contract/api/caller.ts';
import { Problem } from '../../contract/api/problems.ts';
import type { Scope } from '../../contract/deploy/roles.ts';
import { idPrefixes, newId } from '../../kernel/ids.ts';
import { createKey, removeKey } from './app-keys.dynamo.ts';
import {
  type ApplicationFields,
  type ApplicationItem,
  type ApplicationStore,
  changeApplication,
  insertApplication,
  readApplication,
  removeApplication,
} from './applications.dynamo.ts';

export type ApplicationChanges = { [F in keyof ApplicationFields]?: ApplicationFields[F] | undefined } & {
  status?: ApplicationItem['status'] | undefined;
};

/** Identifies a request to register, so that a repeat is recognized: the caller, its idempotency key, the content. */
export type Claim = { caller: string; key: string | undefined; fingerprint: string };

/**
 * Registers an application. A repeat under the same idempotency key gets the first answer.
 * @throws Problem scopes-exceeded, idempotency-key-reused, too-many-applications, identity-client-taken
 */
export async function registerApplication(
  store: ApplicationStore,
  { application: own }: App,
  fields: ApplicationFields,
  { caller, key, fingerprint }: Claim,
): Promise<{ answer: string; id: string; version: number; replayed: boolean }> {
  checkScopes(own.scopes, fields.scopes);
  const id = key === undefined ? newId('application', store.clock) : derivedId(caller, key);
  const { item, inserted } = await insertApplication(store, id, fields, key === undefined ? undefined : fingerprint);
  if (!inserted && item.fingerprint !== fingerprint) {
    throw new Problem('idempotency-key-reused', 'This Idempotency-Key was used to register a different application.');
  }
  return { answer: item.answer ?? '', id, version: 1, replayed: !inserted };
}

/**
 * Registers an application without a caller, and creates its first key if its kind has keys. For setting up a stage.
 * @throws Problem too-many-applications, identity-client-taken; DependencyUnavailable
 */
export async function registerByHand(
  store: ApplicationStore,
  fields: ApplicationFields,
  { id = newId('application', store.clock), expiresAt }: { id?: string; expiresAt?: number | null | undefined } = {},
): Promise<{ id: string; keyId?: string; key?: string }> {
  await insertApplication(store, id, fields);
  if (isPublicClient(fields.kind)) return { id };
  const created = await createKey(store, id, expiresAt);
  return { id, keyId: created.id, key: created.key };
}

/**
 * An application as stored.
 * @throws Problem not-found
 */
export async function requireApplication(store: ApplicationStore, applicationId: string): Promise<ApplicationItem> {
  const item = await readApplication(store, applicationId);
  if (item === undefined) throw new Problem('not-found', 'This application does not exist.');
  return item;
}

/**
 * Changes the given fields of an application. With `versions`, only if it is at one of them.
 * @throws Problem not-found, own-application, scopes-exceeded, version-stale, invalid-input, identity-client-taken
 */
export async function updateApplication(
  store: ApplicationStore,
  { application: own }: App,
  applicationId: string,
  changes: ApplicationChanges,
  versions: readonly number[] | undefined,
): Promise<ApplicationItem> {
  const item = await requireApplication(store, applicationId);
  const ofOthers = [changes.scopes, changes.status, changes.rateClass];
  if (own.id === applicationId && ofOthers.some((change) => change !== undefined)) throw ownApplication();
  checkScopes(own.scopes, [...item.scopes, ...(changes.scopes ?? [])]);
  if (versions !== undefined && !versions.includes(item.version)) {
    throw new Problem('version-stale', `The application is now at version ${item.version}. Read it again.`);
  }
  if (changes.origins !== undefined && changes.origins.length > 0 && item.kind !== 'web') {
    throw new Problem('invalid-input', '/origins is only allowed for a web application.', {
      errors: [{ pointer: '/origins', detail: 'is only allowed for a web application' }],
    });
  }
  const defined = Object.entries(changes).filter(([, value]) => value !== undefined);
  return changeApplication(store, item, Object.fromEntries(defined));
}

/** @throws Problem not-found, own-application, scopes-exceeded, version-stale */
export async function deleteApplication(
  store: ApplicationStore,
  { application: own }: App,
  applicationId: string,
): Promise<void> {
  if (own.id === applicationId) throw ownApplication();
  const item = await requireApplication(store, applicationId);
  checkScopes(own.scopes, item.scopes);
  await removeApplication(store, item);
}

/**
 * Creates a key of an application. `expiresAt` is in milliseconds since the epoch; null is never, the default a year.
 * @throws Problem not-found, scopes-exceeded, kind-has-no-keys, too-many-keys, invalid-input
 */
export async function createApplicationKey(
  store: ApplicationStore,
  { application: own }: App,
  applicationId: string,
  expiresAt: number | null | undefined,
): Promise<KeyView & { key: string }> {
  const item = await requireApplication(store, applicationId);
  checkScopes(own.scopes, item.scopes);
  if (isPublicClient(item.kind)) {
    throw new Problem(
      'kind-has-no-keys',
      `A ${item.kind} application cannot keep a key secret. Send its Client-Id instead.`,
    );
  }
  if (typeof expiresAt === 'number' && expiresAt <= store.clock.now()) {
    throw new Problem('invalid-input', '/expiresAt must be in the future.', {
      errors: [{ pointer: '/expiresAt', detail: 'must be in the future' }],
    });
  }
  return createKey(store, applicationId, expiresAt);
}

/** @throws Problem not-found, scopes-exceeded */
export async function deleteApplicationKey(
  store: ApplicationStore,
  { application: own }: App,
  { applicationId, keyId }: { applicationId: string; keyId: string },
): Promise<void> {
  const item = await requireApplication(store, applicationId);
  checkScopes(own.scopes, item.scopes);
  if (!(await removeKey(store, applicationId, keyId))) {
    throw new Problem('not-found', 'The application does not have this key.');
  }
}

/**
 * An application can only grant, or act on, scopes that it has itself. Otherwise one that manages applications could
 * get every scope through another application.
 * @throws Problem scopes-exceeded
 */
function checkScopes(own: readonly Scope[], needed: readonly Scope[]): void {
  const missing = [...new Set(needed)].filter((scope) => !own.includes(scope));
  if (missing.length > 0) {
    throw new Problem('scopes-exceeded', `Your application lacks the scope ${missing.join(', ')}.`);
  }
}

const ownApplication = () => new Problem('own-application', 'Use the key of another application for this.');

/** An id derived from the caller and the idempotency key, so that a repeat finds the application. */
const derivedId = (caller: string, key: string): string =>
  `${idPrefixes.application}_${createHash('sha256')
    .update(JSON.stringify([caller, key]))
    .digest('hex')
    .slice(0, 32)}`;
