import { type DynamoDBDocumentClient, GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import { type Clock, toEpochSeconds } from '../../kernel/clock.ts';
import { answered } from '../sessions/answered.dynamo.ts';
import type { PublicKeys } from './public-keys.ts';

export type IssuerKeyStore = { client: DynamoDBDocumentClient; table: string; clock: Clock };

/** As stored; `jwks` is the JSON of an RFC 7517 document, `fetchedAt` in seconds since the epoch. */
type Item = { issuer: string; jwks: string; fetchedAt: number };

/**
 * An issuer's keys as they were fetched last, `fetchedAt` in milliseconds since the epoch; undefined when they never were.
 * @throws DependencyUnavailable
 */
export async function readIssuerKeys(
  store: IssuerKeyStore,
  issuer: string,
): Promise<{ keys: PublicKeys; fetchedAt: number } | undefined> {
  const { Item: found } = await answered(
    // Keys that are a moment old are the normal case, so the cheaper read does.
    store.client.send(new GetCommand({ TableName: store.table, Key: { issuer } })),
  );
  if (found === undefined) return undefined;
  const { jwks, fetchedAt } = found as Item;
  return { keys: JSON.parse(jwks) as PublicKeys, fetchedAt: fetchedAt * 1000 };
}

/**
 * Puts an issuer's keys in the place of those from before.
 * @throws DependencyUnavailable
 */
export async function storeIssuerKeys(store: IssuerKeyStore, issuer: string, keys: PublicKeys): Promise<void> {
  const item: Item = { issuer, jwks: JSON.stringify(keys), fetchedAt: toEpochSeconds(store.clock.now()) };
  await answered(store.client.send(new PutCommand({ TableName: store.table, Item: item })));
}
