import {
  type ApplicationKind,
  type ApplicationView,
  maxApplications,
  maxRegisteredBy,
} from '../../contract/api/applications.ts';
import { Problem } from '../../contract/api/problems.ts';
import type { RateClass } from '../../contract/deploy/limits.ts';
import type { Scope } from '../../contract/deploy/roles.ts';
import type { DocumentClient } from '../../database/document-client.dynamo.ts';
import { type Clock, toTimestamp } from '../../kernel/clock.ts';
import { orUnavailable, writeAll } from '../store.dynamo.ts';

export type ApplicationStore = {
  client: DocumentClient;
  table: string;
  /** The table of the keys, which are removed with their application. */
  keysTable: string;
  clock: Clock;
};

/**
 * As stored; times are in milliseconds since the epoch. Each client id of the identity provider has an item of its own
 * that names the application.
 */
export type ApplicationItem = {
  applicationId: string;
  name: string;
  kind: ApplicationKind;
  status: 'active' | 'suspended';
  scopes: Scope[];
  rateClass: RateClass;
  origins: string[];
  identityClientIds: string[];
  contact: string;
  keyIds?: Set<string>;
  /** The application that registered it; absent when it was registered by hand. */
  registeredBy?: string;
  createdAt: number;
  updatedAt: number;
  version: number;
  /** Sessions opened before this time, in milliseconds, stay ended: the application was suspended then. */
  sessionsNotBefore?: number;
  /** When it was suspended last, and the version that it got by that: what the event of it says. */
  suspended?: { at: number; version: number } | null;
  /** Fingerprint of the request that registered it, and its answer, to replay to a repeated request. */
  fingerprint?: string;
  answer?: string;
};

export type ApplicationFields = Pick<
  ApplicationItem,
  'name' | 'kind' | 'scopes' | 'rateClass' | 'origins' | 'identityClientIds' | 'contact'
>;

/** The application that registers another one. */
type Registrar = Pick<ApplicationItem, 'applicationId' | 'registeredBy'>;

/**
 * An application as stored; undefined when it does not exist.
 * @throws DependencyUnavailable
 */
export async function readApplication(
  store: Pick<ApplicationStore, 'client' | 'table'>,
  applicationId: string,
): Promise<ApplicationItem | undefined> {
  const item = await readItem(store, applicationId);
  return item?.kind === undefined ? undefined : item;
}

/** The item of an application. Of a removed application, an item without a `kind` may remain. */
async function readItem(
  { client, table }: Pick<ApplicationStore, 'client' | 'table'>,
  applicationId: string,
): Promise<ApplicationItem | undefined> {
  const { Item } = await orUnavailable(client.get({ TableName: table, Key: { applicationId }, ConsistentRead: true }));
  return Item as ApplicationItem | undefined;
}

/**
 * The id of the application that a client id of the identity provider belongs to.
 * @throws DependencyUnavailable
 */
export async function findApplicationByIdentityClient(
  { client, table }: Pick<ApplicationStore, 'client' | 'table'>,
  clientId: string,
): Promise<string | undefined> {
  const { Item } = await orUnavailable(client.get({ TableName: table, Key: identityClientKey(clientId) }));
  return Item?.owner as string | undefined;
}

/**
 * All applications, newest first.
 * @throws DependencyUnavailable
 */
export async function listApplications({ client, table }: Pick<ApplicationStore, 'client' | 'table'>) {
  const items: ApplicationItem[] = [];
  let from: Record<string, unknown> | undefined;
  do {
    const page = await orUnavailable(client.scan({ TableName: table, ConsistentRead: true, ExclusiveStartKey: from }));
    items.push(...((page.Items ?? []) as ApplicationItem[]));
    from = page.LastEvaluatedKey;
  } while (from !== undefined);
  return items
    .filter(({ kind }) => kind !== undefined)
    .sort((a, b) => b.createdAt - a.createdAt || (a.applicationId < b.applicationId ? 1 : -1));
}

/**
 * Registers an application under an id. If an item with this id exists, returns that instead, even if it is what
 * remains of a removed application.
 * @throws Problem too-many-applications, identity-client-taken; DependencyUnavailable
 */
export async function insertApplication(
  store: ApplicationStore,
  applicationId: string,
  fields: ApplicationFields,
  { fingerprint, registeredBy }: { fingerprint?: string | undefined; registeredBy?: Registrar } = {},
): Promise<{ item: ApplicationItem; inserted: boolean }> {
  const existing = await readItem(store, applicationId);
  if (existing !== undefined) return { item: existing, inserted: false };
  const all = await listApplications(store);
  if (all.length >= maxApplications) {
    throw new Problem('too-many-applications', `A shop has at most ${maxApplications}; remove one first.`);
  }
  const own = all.filter((each) => each.registeredBy === registeredBy?.applicationId);
  if (registeredBy?.registeredBy !== undefined && own.length >= maxRegisteredBy) {
    throw new Problem('too-many-applications', `Your application has registered ${own.length}; remove one first.`);
  }
  const now = store.clock.now();
  const created: ApplicationItem = {
    ...fields,
    applicationId,
    status: 'active',
    createdAt: now,
    updatedAt: now,
    version: 1,
    ...(registeredBy === undefined ? {} : { registeredBy: registeredBy.applicationId }),
    ...(fingerprint === undefined ? {} : { fingerprint }),
  };
  const item = { ...created, answer: JSON.stringify(toView(created)) };
  const written = await writeAll(store.client, [
    { Put: { TableName: store.table, Item: item, ConditionExpression: 'attribute_not_exists(applicationId)' } },
    ...fields.identityClientIds.map((clientId) => claimIdentityClient(store, clientId, applicationId)),
  ]);
  if (written) return { item, inserted: true };
  const first = await readItem(store, applicationId);
  if (first === undefined) throw identityClientTaken();
  return { item: first, inserted: false };
}

/**
 * Changes an application, if it is still at the version of `item`.
 * @throws Problem version-stale, identity-client-taken; DependencyUnavailable
 */
export async function changeApplication(
  store: ApplicationStore,
  item: ApplicationItem,
  changes: Partial<ApplicationFields & Pick<ApplicationItem, 'status'>>,
): Promise<ApplicationItem> {
  const { applicationId } = item;
  const now = store.clock.now();
  const { sessionsNotBefore = 0 } = item;
  const changed = {
    ...item,
    ...changes,
    updatedAt: now,
    version: item.version + 1,
    sessionsNotBefore: changes.status === 'suspended' ? now : sessionsNotBefore,
    suspended:
      changes.status === 'suspended' && item.status !== 'suspended'
        ? { at: now, version: item.version + 1 }
        : (item.suspended ?? null),
  };
  const before = new Set(item.identityClientIds);
  const after = new Set(changed.identityClientIds);
  const written = await writeAll(store.client, [
    {
      // The whole item except its keys, which change independently.
      Update: {
        TableName: store.table,
        Key: { applicationId },
        UpdateExpression: `SET ${changeable.map((name) => `#${name} = :${name}`).join(', ')}`,
        ConditionExpression: 'version = :seen',
        ExpressionAttributeNames: Object.fromEntries(changeable.map((name) => [`#${name}`, name])),
        ExpressionAttributeValues: {
          ...Object.fromEntries(changeable.map((name) => [`:${name}`, changed[name]])),
          ':seen': item.version,
        },
      },
    },
    ...[...after].filter((id) => !before.has(id)).map((id) => claimIdentityClient(store, id, applicationId)),
    ...[...before].filter((id) => !after.has(id)).map((id) => releaseIdentityClient(store, id)),
  ]);
  if (written) return changed;
  const current = await readApplication(store, applicationId);
  if (current?.version === item.version) throw identityClientTaken();
  throw stale(current?.version);
}

/**
 * Removes an application, its keys and its client ids of the identity provider in one transaction.
 * @throws Problem version-stale when it was changed meanwhile; DependencyUnavailable
 */
export async function removeApplication(store: ApplicationStore, item: ApplicationItem): Promise<void> {
  const { applicationId, version, keyIds = new Set<string>(), fingerprint, answer } = item;
  const atVersion = {
    TableName: store.table,
    ConditionExpression: 'version = :seen',
    ExpressionAttributeValues: { ':seen': version },
  };
  const written = await writeAll(store.client, [
    // An id that was derived from an idempotency key stays taken: registering with that key again would derive the same
    // id, and sessions that the removed application opened would belong to the new one. What was answered stays too: a
    // repeat gets the first answer, whatever has become of the application.
    fingerprint === undefined
      ? { Delete: { ...atVersion, Key: { applicationId } } }
      : { Put: { ...atVersion, Item: { applicationId, removedAt: store.clock.now(), fingerprint, answer } } },
    ...[...keyIds].map((keyId) => ({ Delete: { TableName: store.keysTable, Key: { keyId } } })),
    ...item.identityClientIds.map((id) => releaseIdentityClient(store, id)),
  ]);
  if (!written) throw stale((await readApplication(store, applicationId))?.version);
}

/** An application as the API returns it. */
export const toView = ({ applicationId, createdAt, updatedAt, ...item }: ApplicationItem): ApplicationView => ({
  id: applicationId,
  name: item.name,
  kind: item.kind,
  status: item.status,
  scopes: item.scopes,
  rateClass: item.rateClass,
  origins: item.origins,
  identityClientIds: item.identityClientIds,
  contact: item.contact,
  registeredBy: item.registeredBy ?? null,
  createdAt: toTimestamp(createdAt),
  updatedAt: toTimestamp(updatedAt),
  version: item.version,
});

const changeable = [
  'name',
  'status',
  'scopes',
  'rateClass',
  'origins',
  'identityClientIds',
  'contact',
  'updatedAt',
  'version',
  'sessionsNotBefore',
  'suspended',
] as const;

const identityClientKey = (clientId: string) => ({ applicationId: `identity-client#${clientId}` });

const claimIdentityClient = ({ table }: ApplicationStore, clientId: string, owner: string) => ({
  Put: {
    TableName: table,
    Item: { ...identityClientKey(clientId), owner },
    ConditionExpression: 'attribute_not_exists(applicationId)',
  },
});

const releaseIdentityClient = ({ table }: ApplicationStore, clientId: string) => ({
  Delete: { TableName: table, Key: identityClientKey(clientId) },
});

const identityClientTaken = () =>
  new Problem('identity-client-taken', 'This client id of the identity provider belongs to another application.');

const stale = (version: number | undefined) =>
  version === undefined
    ? new Problem('not-found', 'This application does not exist.')
    : new Problem('version-stale', `The application is now at version ${version}. Read it again.`);
