import type { Verify } from '../accounts/identities/exchange.ts';
import { findApplicationByIdentityClient } from '../auth/applications/applications.dynamo.ts';
import { type IdentityCopies, readCopy } from '../auth/identity/identity-copies.dynamo.ts';
import { readIssuerKeys } from '../auth/identity/issuer-keys.dynamo.ts';
import type { TokenVerifier } from '../auth/identity/verify.ts';
import { Problem } from '../contract/api/problems.ts';
import { stopwatch } from '../kernel/clock.ts';
import { lruCache } from '../kernel/lru-cache.ts';
import { clock } from './clock.ts';
import { config, tableName } from './config.ts';
import { dynamo } from './dynamo.ts';

let loading: Promise<TokenVerifier> | undefined;

/** Verifies a token of the configured issuer; without one no token is to be believed. */
export const verifyToken: Verify = async (jwt) => {
  const { IDENTITY_ISSUER: issuer } = config();
  if (issuer === undefined) return undefined;
  loading ??= load(issuer);
  return (await loading).verify(jwt);
};

/**
 * Who a token of the identity provider stands for; undefined when it is not to be believed.
 * @throws Problem unauthenticated when it was never exchanged; DependencyUnavailable
 */
export async function identifyToken(jwt: string): Promise<{ customerId: string; applicationId: string } | undefined> {
  const token = await verifyToken(jwt);
  if (token === undefined) return undefined;
  const customerId = await readCopy(identityCopies(), token);
  if (customerId === undefined) {
    throw new Problem(
      'unauthenticated',
      'This token is of no customer yet: exchange the id token once at POST /sessions.',
    );
  }
  return { customerId, applicationId: token.applicationId };
}

export const identityCopies = (): IdentityCopies => ({ client: dynamo(), table: tableName('identities') });

/** The package is loaded where a token comes, not where a function starts. */
async function load(issuer: string): Promise<TokenVerifier> {
  const { createTokenVerifier } = await import('../auth/identity/verify.ts');
  const store = () => ({ client: dynamo(), table: tableName('issuerKeys'), clock });
  return createTokenVerifier({
    issuer,
    readKeys: async () => (await readIssuerKeys(store(), issuer))?.keys,
    findApplication,
    graceSeconds: config().IDENTITY_GRACE_SECONDS,
    stopwatch,
  });
}

/** As old as what is known of an application may be, in milliseconds. */
const freshMs = 1000;
const clients = lruCache<{ at: number; id: string | undefined }>(200);

async function findApplication(clientId: string): Promise<{ id: string } | undefined> {
  const at = stopwatch.elapsed();
  let known = clients.get(clientId);
  if (known === undefined || at - known.at >= freshMs) {
    const table = tableName('applications');
    known = { at, id: await findApplicationByIdentityClient({ client: dynamo(), table }, clientId) };
    clients.set(clientId, known);
  }
  return known.id === undefined ? undefined : { id: known.id };
}
