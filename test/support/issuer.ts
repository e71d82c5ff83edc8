import { registerByHand } from '../../lib/auth/applications/manage.ts';
import { storeIssuerKeys } from '../../lib/auth/identity/issuer-keys.dynamo.ts';
import { publicKeysOf } from '../../lib/auth/identity/public-keys.ts';
import { systemClock } from '../../lib/kernel/clock.ts';
import { fieldsOf } from './applications.ts';
import { type LiveHandlers, openLiveHandlers } from './live-handlers.ts';
import { claims, makeSigningKey, makeToken, testIssuer } from './tokens.ts';

const key = makeSigningKey('key-1');

/** A token of the test's issuer, with claims that replace or extend those of `claims`. */
export const issuedToken = (changes: Parameters<typeof claims>[0]): string => makeToken(key, claims(changes));

/**
 * Opens the handlers with an issuer whose tokens they accept, and a web application for each client that it knows.
 * @returns the handlers, and the ids of the applications in the order of the clients
 */
export async function openWithIssuer(
  ...clients: string[]
): Promise<{ handlers: LiveHandlers; applications: string[] }> {
  const handlers = await openLiveHandlers({ IDENTITY_ISSUER: testIssuer, RATE_LIMIT_PER_MINUTE: '100000' });
  const registered = await Promise.all(
    clients.map((client) => registerByHand(handlers.applications, { ...fieldsOf('web'), identityClientIds: [client] })),
  );
  const store = { client: handlers.dynamo.documents, table: 'issuerKeys', clock: systemClock };
  await storeIssuerKeys(store, testIssuer, publicKeysOf({ keys: [key.jwk] }));
  return { handlers, applications: registered.map(({ id }) => id) };
}
