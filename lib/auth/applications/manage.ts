import { isPublicClient, type KeyView } from '../../contract/api/applications.ts';
import type { App } from '../../contract/api/caller.ts';
import type { VersionCondition } from '../../contract/api/common.ts';
import { Problem } from '../../contract/api/problems.ts';
import type { Scope } from '../../contract/deploy/roles.ts';
import { derivedId, newId } from '../../kernel/ids.ts';
import { createKey, type KeyDerivation, removeKey, replayKey } from './app-keys.dynamo.ts';
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

/** Identifies a request to create a key, and makes its secret again. */
export type KeyClaim = Claim & Pick<KeyDerivation, 'secretOf'>;

/**
 * Registers an application. A repeat under the same idempotency key gets the first answer.
 * @throws Problem scopes-exceeded, owners-application, idempotency-key-reused, too-many-applications,
 *   identity-client-taken
 */
export async function registerApplication(
  store: ApplicationStore,
  { application: own }: App,
  fields: ApplicationFields,
  { caller, key, fingerprint }: Claim,
): Promise<{ answer: string; id: string; version: number; replayed: boolean }> {
  checkScopes(own.scopes, fields.scopes);
  const registeredBy = await requireApplication(store, own.id);
  checkDelegation(registeredBy, fields.scopes);
  const id = key === undefined ? newId('application', store.clock) : derivedId('application', [caller, key]);
  const { item, inserted } = await insertApplication(store, id, fields, {
    fingerprint: key === undefined ? undefined : fingerprint,
    registeredBy,
  });
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
  const created = await createKey(store, id, { expiresAt });
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
 * Changes the given fields of an application, if its version meets the condition.
 * @throws Problem not-found, own-application, owners-application, scopes-exceeded, version-stale, invalid-input,
 *   identity-client-taken
 */
export async function updateApplication(
  store: ApplicationStore,
  { application: own }: App,
  applicationId: string,
  changes: ApplicationChanges,
  { oneOf, noneOf }: VersionCondition,
): Promise<ApplicationItem> {
  const item = await requireApplication(store, applicationId);
  const ofOthers = [changes.scopes, changes.status, changes.rateClass];
  if (own.id === applicationId && ofOthers.some((change) => change !== undefined)) throw ownApplication();
  checkScopes(own.scopes, [...item.scopes, ...(changes.scopes ?? [])]);
  const by = await checkOwner(store, own.id, item);
  checkDelegation(by, changes.scopes ?? []);
  if (oneOf?.includes(item.version) === false || noneOf?.includes(item.version) === true) {
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

/** @throws Problem not-found, own-application, owners-application, scopes-exceeded, version-stale */
export async function deleteApplication(
  store: ApplicationStore,
  { application: own }: App,
  applicationId: string,
): Promise<void> {
  if (own.id === applicationId) throw ownApplication();
  const item = await requireApplication(store, applicationId);
  checkScopes(own.scopes, item.scopes);
  await checkOwner(store, own.id, item);
  await removeApplication(store, item);
}

/**
 * Creates a key of an application. `expiresAt` is in milliseconds since the epoch; null is never, the default a year. A
 * repeat by the same credential under the same idempotency key gets the same key.
 * @throws Problem not-found, scopes-exceeded, owners-application, kind-has-no-keys, too-many-keys, invalid-input,
 *   idempotency-key-reused
 */
export async function createApplicationKey(
  store: ApplicationStore,
  { application: own, keyId: createdBy }: App,
  applicationId: string,
  { expiresAt, ...claim }: { expiresAt: number | null | undefined } & KeyClaim,
): Promise<{ key: KeyView & { key: string }; replayed: boolean }> {
  const item = await requireApplication(store, applicationId);
  checkScopes(own.scopes, item.scopes);
  await checkOwner(store, own.id, item);
  if (isPublicClient(item.kind)) {
    throw new Problem(
      'kind-has-no-keys',
      `A ${item.kind} application cannot keep a key secret. Send its Client-Id instead.`,
    );
  }
  const { caller, key, fingerprint, secretOf } = claim;
  const id = key === undefined ? undefined : derivedId('appKey', [caller, applicationId, key]);
  const first = id === undefined ? undefined : await replayKey(store, id, { fingerprint, secretOf });
  if (first !== undefined) return { key: first, replayed: true };
  if (typeof expiresAt === 'number' && expiresAt <= store.clock.now()) {
    throw new Problem('invalid-input', '/expiresAt must be in the future.', {
      errors: [{ pointer: '/expiresAt', detail: 'must be in the future' }],
    });
  }
  if (id === undefined)
    return { key: await createKey(store, applicationId, { expiresAt, createdBy }), replayed: false };
  const derived = { id, fingerprint, secretOf };
  const created = await createKey(store, applicationId, { expiresAt, createdBy, derived }).catch(async (error) => {
    // Of two requests at once, one makes the key and both answer with it.
    const other = await replayKey(store, id, derived);
    if (other === undefined) throw error;
    return other;
  });
  return { key: created, replayed: false };
}

/** @throws Problem not-found, scopes-exceeded, owners-application */
export async function deleteApplicationKey(
  store: ApplicationStore,
  { application: own }: App,
  { applicationId, keyId }: { applicationId: string; keyId: string },
): Promise<void> {
  const item = await requireApplication(store, applicationId);
  checkScopes(own.scopes, item.scopes);
  await checkOwner(store, own.id, item);
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

/**
 * An application that another one registered changes none that was registered by hand: it may have been given the same
 * scopes, but the shop's owner must be able to take them away from it, and not the other way round.
 * @returns the application that asks
 * @throws Problem owners-application
 */
async function checkOwner(store: ApplicationStore, ownId: string, item: ApplicationItem): Promise<ApplicationItem> {
  const own = ownId === item.applicationId ? item : await requireApplication(store, ownId);
  if (own.registeredBy !== undefined && item.registeredBy === undefined) {
    throw new Problem(
      'owners-application',
      'This application was registered when the stage was set up. Only such an application can change it.',
    );
  }
  return own;
}

/**
 * Only applications that were registered by hand appoint others to manage applications. Otherwise one such could fill
 * all places through applications of its applications.
 * @throws Problem owners-application
 */
function checkDelegation(own: ApplicationItem, granted: readonly Scope[]): void {
  if (own.registeredBy === undefined || !granted.includes('applications:manage')) return;
  throw new Problem(
    'owners-application',
    'Your application was registered by another one, so it cannot grant applications:manage.',
  );
}

const ownApplication = () => new Problem('own-application', 'Use the key of another application for this.');
