import type { DocumentClient } from '../../database/document-client.dynamo.ts';
import { orUnavailable } from '../store.dynamo.ts';

/** A user of an OpenID Connect issuer: the claims `iss` and `sub`. */
export type ExternalIdentity = { issuer: string; subject: string };

/** Which customer each identity is linked to: a copy of what PostgreSQL has, for handlers without a database. */
export type IdentityLinks = { client: DocumentClient; table: string };

/** The customer that an identity is linked to. Tokens issued before `notBefore` (milliseconds) no longer count. */
export type IdentityLink = { customerId: string; notBefore: number };

/**
 * The customer that an identity is linked to, if any.
 * @throws DependencyUnavailable
 */
export async function findLink(
  { client, table }: IdentityLinks,
  identity: ExternalIdentity,
): Promise<IdentityLink | undefined> {
  const { Item } = await orUnavailable(client.get({ TableName: table, Key: keyOf(identity), ConsistentRead: true }));
  return Item && { customerId: Item.customerId as string, notBefore: (Item.notBefore as number | undefined) ?? 0 };
}

/** @throws DependencyUnavailable */
export async function putLink(
  { client, table }: IdentityLinks,
  identity: ExternalIdentity,
  link: IdentityLink,
): Promise<void> {
  await orUnavailable(client.put({ TableName: table, Item: { ...keyOf(identity), ...link } }));
}

/** @throws DependencyUnavailable */
export async function deleteLink({ client, table }: IdentityLinks, identity: ExternalIdentity): Promise<void> {
  await orUnavailable(client.delete({ TableName: table, Key: keyOf(identity) }));
}

/** The URL of an issuer contains no `#`. */
const keyOf = ({ issuer, subject }: ExternalIdentity) => ({ identity: `${issuer}#${subject}` });
