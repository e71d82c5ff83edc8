import type { VerifyToken } from '../accounts/identities/link.ts';
import { findApplicationByIdentityClient } from '../auth/applications/applications.dynamo.ts';
import { createIdentityClientCache } from '../auth/applications/cache.ts';
import { findLink } from '../auth/identity/identity-links.dynamo.ts';
import { readIssuerKeys } from '../auth/identity/issuer-keys.dynamo.ts';
import type { TokenVerifier } from '../auth/identity/verify.ts';
import { Problem } from '../contract/api/problems.ts';
import { stopwatch } from '../kernel/clock.ts';
import { clock } from './clock.ts';
import { config, tableName } from './config.ts';
import { dynamo } from './dynamo.ts';
import { identityLinks } from './stores.ts';

let loading: Promise<TokenVerifier> | undefined;

/** Verifies a token of the configured issuer. Without a configured issuer no token is valid. */
export const verifyToken: VerifyToken = async (jwt) => {
  const { IDENTITY_ISSUER: issuer } = config();
  if (issuer === undefined) return undefined;
  loading ??= load(issuer);
  return (await loading).verify(jwt);
};

/**
 * The customer and the application of an identity provider's token; undefined when the token is not valid.
 * @throws Problem unauthenticated when it was never exchanged; DependencyUnavailable
 */
export async function authenticateIdentityToken(
  jwt: string,
): Promise<{ customerId: string; applicationId: string } | undefined> {
  const token = await verifyToken(jwt);
  if (token === undefined) return undefined;
  const link = await findLink(identityLinks(), token);
  if (link === undefined) {
    throw new Problem(
      'unauthenticated',
      'This token does not belong to a customer yet. Exchange the id token once at POST /sessions.',
    );
  }
  if (token.issuedAt < link.notBefore) return undefined;
  return { customerId: link.customerId, applicationId: token.applicationId };
}

/** Loads the verifier when the first token comes, not when the function starts. */
async function load(issuer: string): Promise<TokenVerifier> {
  const { createTokenVerifier } = await import('../auth/identity/verify.ts');
  const keyStore = () => ({ client: dynamo(), table: tableName('issuerKeys'), clock });
  const applications = () => ({ client: dynamo(), table: tableName('applications') });
  return createTokenVerifier({
    issuer,
    readKeys: async () => (await readIssuerKeys(keyStore(), issuer))?.keys,
    findApplication: createIdentityClientCache(
      (clientId) => findApplicationByIdentityClient(applications(), clientId),
      stopwatch,
    ),
    graceSeconds: config().IDENTITY_GRACE_SECONDS,
    stopwatch,
  });
}
