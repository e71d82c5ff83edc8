import { DeleteCommand, type DynamoDBDocumentClient, GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import type { Name } from '../../accounts/identities/identities.sql.ts';
import { answered } from '../sessions/answered.dynamo.ts';

/** The copies of who is whose, for the entry, which has no database. */
export type IdentityCopies = { client: DynamoDBDocumentClient; table: string };

/**
 * The customer that an identity is linked to.
 * @throws DependencyUnavailable
 */
export async function readCopy({ client, table }: IdentityCopies, name: Name): Promise<string | undefined> {
  const { Item } = await answered(
    client.send(new GetCommand({ TableName: table, Key: keyOf(name), ConsistentRead: true })),
  );
  return Item?.customerId as string | undefined;
}

/** @throws DependencyUnavailable */
export async function putCopy({ client, table }: IdentityCopies, name: Name, customerId: string): Promise<void> {
  await answered(client.send(new PutCommand({ TableName: table, Item: { ...keyOf(name), customerId } })));
}

/** @throws DependencyUnavailable */
export async function deleteCopy({ client, table }: IdentityCopies, name: Name): Promise<void> {
  await answered(client.send(new DeleteCommand({ TableName: table, Key: keyOf(name) })));
}

/** An issuer's address has no `#`. */
const keyOf = ({ issuer, subject }: Name) => ({ identity: `${issuer}#${subject}` });
