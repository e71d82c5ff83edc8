import type { DocumentClient } from '../../database/document-client.dynamo.ts';
import { type Clock, toEpochSeconds } from '../../kernel/clock.ts';
import { orUnavailable } from '../store.dynamo.ts';
import type { PublicKeys } from './public-keys.ts';

export type IssuerKeyStore = { client: DocumentClient; table: string; clock: Clock };

/** As stored: `jwks` is the JSON of an RFC 7517 document, `fetchedAt` is in seconds since the epoch. */
type Item = { issuer: string; jwks: string; fetchedAt: number };

/**
 * An issuer's keys as last fetched, with `fetchedAt` in milliseconds since the epoch; undefined when they were never
 * fetched.
 * @throws DependencyUnavailable
 */
export async function readIssuerKeys(
  store: IssuerKeyStore,
  issuer: string,
): Promise<{ keys: PublicKeys; fetchedAt: number } | undefined> {
  const { Item: found } = await orUnavailable(
    // Keys may be minutes old anyway, so the cheaper, eventually consistent read suffices.
    store.client.get({ TableName: store.table, Key: { issuer } }),
  );
  if (found === undefined) return undefined;
  const { jwks, fetchedAt } = found as Item;
  return { keys: JSON.parse(jwks) as PublicKeys, fetchedAt: fetchedAt * 1000 };
}

/**
 * Replaces an issuer's keys.
 * @throws DependencyUnavailable
 */
export async function storeIssuerKeys(store: IssuerKeyStore, issuer: string, keys: PublicKeys): Promise<void> {
  const item: Item = { issuer, jwks: JSON.stringify(keys), fetchedAt: toEpochSeconds(store.clock.now()) };
  await orUnavailable(store.client.put({ TableName: store.table, Item: item }));
}
