import { type DynamoDBDocumentClient, GetCommand, paginateScan } from '@aws-sdk/lib-dynamodb';
import { type ApplicationKind, type ApplicationView, maxApplications } from '../../contract/api/applications.ts';
import { Problem } from '../../contract/api/problems.ts';
import type { RateClass } from '../../contract/deploy/limits.ts';
import type { Scope } from '../../contract/deploy/roles.ts';
import { type Clock, toTimestamp } from '../../kernel/clock.ts';
import { answered } from '../sessions/answered.dynamo.ts';
import { writeAll } from './transact.dynamo.ts';

export type ApplicationStore = {
  client: DynamoDBDocumentClient;
  table: string;
  /** Of the keys, which go with their application. */
  keysTable: string;
  clock: Clock;
};

/** As stored; times are in milliseconds since the epoch. An identity client has an item of its own that leads here. */
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
  createdAt: number;
  updatedAt: number;
  version: number;
  /** Of the request that made it, so that a repeat gets the first answer. */
  fingerprint?: string;
  answer?: string;
};

export type ApplicationFields = Pick<
  ApplicationItem,
  'name' | 'kind' | 'scopes' | 'rateClass' | 'origins' | 'identityClientIds' | 'contact'
>;

/**
 * The item of an application, or undefined when there is none.
 * @throws DependencyUnavailable
 */
export async function readApplication(
  store: Pick<ApplicationStore, 'client' | 'table'>,
  applicationId: string,
): Promise<ApplicationItem | undefined> {
  const item = await readItem(store, applicationId);
  return item?.kind === undefined ? undefined : item;
}

/** The item of an application, or what is left of one that was removed: an item without a kind. */
async function readItem(
  { client, table }: Pick<ApplicationStore, 'client' | 'table'>,
  applicationId: string,
): Promise<ApplicationItem | undefined> {
  const { Item } = await answered(
    client.send(new GetCommand({ TableName: table, Key: { applicationId }, ConsistentRead: true })),
  );
  return Item as ApplicationItem | undefined;
}

/**
 * The id of the application that a client of the identity provider belongs to.
 * @throws DependencyUnavailable
 */
export async function findApplicationByIdentityClient(
  { client, table }: Pick<ApplicationStore, 'client' | 'table'>,
  clientId: string,
): Promise<string | undefined> {
  const { Item } = await answered(client.send(new GetCommand({ TableName: table, Key: identityKey(clientId) })));
  return Item?.owner as string | undefined;
}

/**
 * Every application, newest first.
 * @throws DependencyUnavailable
 */
export async function listApplications({ client, table }: Pick<ApplicationStore, 'client' | 'table'>) {
  const items: ApplicationItem[] = [];
  const pages = paginateScan({ client }, { TableName: table, ConsistentRead: true });
  await answered(
    (async () => {
      for await (const page of pages) items.push(...((page.Items ?? []) as ApplicationItem[]));
    })(),
  );
  return items
    .filter(({ kind }) => kind !== undefined)
    .sort((a, b) => b.createdAt - a.createdAt || (a.applicationId < b.applicationId ? 1 : -1));
}

/**
 * Registers an application under an id. Under an id that is there already it gives what is there, be it only what is left
 * of an application that was removed.
 * @throws Problem too-many-applications, identity-client-taken; DependencyUnavailable
 */
export async function insertApplication(
  store: ApplicationStore,
  applicationId: string,
  fields: ApplicationFields,
  fingerprint?: string,
): Promise<{ item: ApplicationItem; inserted: boolean }> {
  const there = await readItem(store, applicationId);
  if (there !== undefined) return { item: there, inserted: false };
  if ((await listApplications(store)).length >= maxApplications) {
    throw new Problem('too-many-applications', `A shop has at most ${maxApplications}; remove one first.`);
  }
  const now = store.clock.now();
  const made: ApplicationItem = {
    ...fields,
    applicationId,
    status: 'active',
    createdAt: now,
    updatedAt: now,
    version: 1,
    ...(fingerprint === undefined ? {} : { fingerprint }),
  };
  const item = { ...made, answer: JSON.stringify(toView(made)) };
  const written = await writeAll(store.client, [
    { Put: { TableName: store.table, Item: item, ConditionExpression: 'attribute_not_exists(applicationId)' } },
    ...fields.identityClientIds.map((clientId) => claimIdentity(store, clientId, applicationId)),
  ]);
  if (written) return { item, inserted: true };
  const first = await readItem(store, applicationId);
  if (first === undefined) throw identityTaken();
  return { item: first, inserted: false };
}

/**
 * Changes an application that is still as `item` has it.
 * @throws Problem version-stale, identity-client-taken; DependencyUnavailable
 */
export async function changeApplication(
  store: ApplicationStore,
  item: ApplicationItem,
  changes: Partial<ApplicationFields & Pick<ApplicationItem, 'status'>>,
): Promise<ApplicationItem> {
  const { applicationId } = item;
  const changed = { ...item, ...changes, updatedAt: store.clock.now(), version: item.version + 1 };
  const before = new Set(item.identityClientIds);
  const after = new Set(changed.identityClientIds);
  const written = await writeAll(store.client, [
    {
      // The whole item but its keys, which come and go beside it.
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
    ...[...after].filter((id) => !before.has(id)).map((id) => claimIdentity(store, id, applicationId)),
    ...[...before].filter((id) => !after.has(id)).map((id) => freeIdentity(store, id)),
  ]);
  if (written) return changed;
  const current = await readApplication(store, applicationId);
  if (current?.version === item.version) throw identityTaken();
  throw stale(current?.version);
}

/**
 * Removes an application, its keys and its identity clients in one transaction.
 * @throws Problem version-stale when it was changed meanwhile; DependencyUnavailable
 */
export async function removeApplication(store: ApplicationStore, item: ApplicationItem): Promise<void> {
  const { applicationId, version, keyIds = new Set<string>(), fingerprint } = item;
  const asSeen = {
    TableName: store.table,
    ConditionExpression: 'version = :seen',
    ExpressionAttributeValues: { ':seen': version },
  };
  const written = await writeAll(store.client, [
    // An id that comes of a key would come again with it, and with it the sessions that the application had opened.
    fingerprint === undefined
      ? { Delete: { ...asSeen, Key: { applicationId } } }
      : { Put: { ...asSeen, Item: { applicationId, removedAt: store.clock.now() } } },
    ...[...keyIds].map((keyId) => ({ Delete: { TableName: store.keysTable, Key: { keyId } } })),
    ...item.identityClientIds.map((id) => freeIdentity(store, id)),
  ]);
  if (!written) throw stale((await readApplication(store, applicationId))?.version);
}

/** An application as the API shows it. */
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
] as const;

const identityKey = (clientId: string) => ({ applicationId: `identity-client#${clientId}` });

const claimIdentity = ({ table }: ApplicationStore, clientId: string, owner: string) => ({
  Put: {
    TableName: table,
    Item: { ...identityKey(clientId), owner },
    ConditionExpression: 'attribute_not_exists(applicationId)',
  },
});

const freeIdentity = ({ table }: ApplicationStore, clientId: string) => ({
  Delete: { TableName: table, Key: identityKey(clientId) },
});

const identityTaken = () =>
  new Problem('identity-client-taken', 'Another application has this client of the identity provider.');

const stale = (version: number | undefined) =>
  version === undefined
    ? new Problem('not-found', 'There is no such application.')
    : new Problem('version-stale', `The application is at version ${version} now; read it again.`);
