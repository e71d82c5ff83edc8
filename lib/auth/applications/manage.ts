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

export type Changes = { [F in keyof ApplicationFields]?: ApplicationFields[F] | undefined } & {
  status?: ApplicationItem['status'] | undefined;
};

/** What makes two requests to register the same one: the caller's key and what was asked for. */
export type Claim = { caller: string; key: string | undefined; fingerprint: string };

/**
 * Registers an application, once for each caller and key.
 * @throws Problem scopes-exceeded, idempotency-key-reused, too-many-applications, identity-client-taken
 */
export async function register(
  store: ApplicationStore,
  { application: by }: App,
  fields: ApplicationFields,
  { caller, key, fingerprint }: Claim,
): Promise<{ answer: string; id: string; version: number; replayed: boolean }> {
  refuseMore(by.scopes, fields.scopes);
  const id = key === undefined ? newId('application', store.clock) : idOf(caller, key);
  const { item, inserted } = await insertApplication(store, id, fields, key === undefined ? undefined : fingerprint);
  if (!inserted && item.fingerprint !== fingerprint) {
    throw new Problem('idempotency-key-reused', 'Another application was registered under this key.');
  }
  return { answer: item.answer ?? '', id, version: 1, replayed: !inserted };
}

/**
 * Registers an application on nobody's behalf, with its first key if its kind has keys: for whoever sets a stage up.
 * @throws Problem too-many-applications, identity-client-taken; DependencyUnavailable
 */
export async function registerByHand(
  store: ApplicationStore,
  fields: ApplicationFields,
  { id = newId('application', store.clock), expiresAt }: { id?: string; expiresAt?: number | undefined } = {},
): Promise<{ id: string; keyId?: string; key?: string }> {
  await insertApplication(store, id, fields);
  if (isPublicClient(fields.kind)) return { id };
  const made = await createKey(store, id, expiresAt);
  return { id, keyId: made.id, key: made.key };
}

/**
 * An application as stored.
 * @throws Problem not-found
 */
export async function find(store: ApplicationStore, applicationId: string): Promise<ApplicationItem> {
  const item = await readApplication(store, applicationId);
  if (item === undefined) throw new Problem('not-found', 'There is no such application.');
  return item;
}

/**
 * Changes an application, if it is still at `version` or none is named.
 * @throws Problem not-found, own-application, scopes-exceeded, version-stale, invalid-input, identity-client-taken
 */
export async function change(
  store: ApplicationStore,
  { application: by }: App,
  applicationId: string,
  changes: Changes,
  version: number | undefined,
): Promise<ApplicationItem> {
  const item = await find(store, applicationId);
  if (by.id === applicationId && (changes.scopes !== undefined || changes.status !== undefined)) throw own();
  refuseMore(by.scopes, [...item.scopes, ...(changes.scopes ?? [])]);
  if (version !== undefined && version !== item.version) {
    throw new Problem('version-stale', `The application is at version ${item.version} now; read it again.`);
  }
  if (changes.origins !== undefined && changes.origins.length > 0 && item.kind !== 'web') {
    throw new Problem('invalid-input', '/origins are for a web application.', {
      errors: [{ pointer: '/origins', detail: 'are for a web application' }],
    });
  }
  const given = Object.entries(changes).filter(([, value]) => value !== undefined);
  return changeApplication(store, item, Object.fromEntries(given));
}

/** @throws Problem not-found, own-application, scopes-exceeded, version-stale */
export async function remove(store: ApplicationStore, { application: by }: App, applicationId: string): Promise<void> {
  if (by.id === applicationId) throw own();
  const item = await find(store, applicationId);
  refuseMore(by.scopes, item.scopes);
  await removeApplication(store, item);
}

/**
 * A new key of an application. `expiresAt` is in milliseconds since the epoch.
 * @throws Problem not-found, scopes-exceeded, kind-has-no-keys, too-many-keys, invalid-input
 */
export async function addKey(
  store: ApplicationStore,
  { application: by }: App,
  applicationId: string,
  expiresAt: number | undefined,
): Promise<KeyView & { key: string }> {
  const item = await find(store, applicationId);
  refuseMore(by.scopes, item.scopes);
  if (isPublicClient(item.kind)) {
    throw new Problem(
      'kind-has-no-keys',
      `What is built into a ${item.kind} application is no secret: send its Client-Id.`,
    );
  }
  if (expiresAt !== undefined && expiresAt <= store.clock.now()) {
    throw new Problem('invalid-input', '/expiresAt must lie ahead.', {
      errors: [{ pointer: '/expiresAt', detail: 'must lie ahead' }],
    });
  }
  return createKey(store, applicationId, expiresAt);
}

/** @throws Problem not-found, scopes-exceeded */
export async function dropKey(
  store: ApplicationStore,
  { application: by }: App,
  { applicationId, keyId }: { applicationId: string; keyId: string },
): Promise<void> {
  const item = await find(store, applicationId);
  refuseMore(by.scopes, item.scopes);
  if (!(await removeKey(store, applicationId, keyId))) {
    throw new Problem('not-found', 'The application has no such key.');
  }
}

/** Whoever manages applications would otherwise have every scope, by way of another application. */
function refuseMore(own: readonly Scope[], wanted: readonly Scope[]): void {
  const more = [...new Set(wanted)].filter((scope) => !own.includes(scope));
  if (more.length > 0) {
    throw new Problem('scopes-exceeded', `Your application has not itself the scope ${more.join(', ')}.`);
  }
}

const own = () => new Problem('own-application', 'Let another application do this to yours.');

/** The same for each repeat: what was made under a key is found by it. */
const idOf = (caller: string, key: string): string =>
  `${idPrefixes.application}_${createHash('sha256')
    .update(JSON.stringify([caller, key]))
    .digest('hex')
    .slice(0, 32)}`;
