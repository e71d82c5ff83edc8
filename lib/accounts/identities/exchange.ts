import type { VerifiedToken } from '../../auth/identity/verify.ts';
import { Problem } from '../../contract/api/problems.ts';

/** Verifies a token of the identity provider; undefined for one that is not to be believed. */
export type Verify = (jwt: string) => Promise<VerifiedToken | undefined>;

/**
 * What an id token says that was made for this application.
 * @throws Problem id-token-invalid; DependencyUnavailable
 */
export async function readIdToken(verify: Verify, idToken: string, applicationId?: string): Promise<VerifiedToken> {
  const token = await verify(idToken);
  if (token === undefined) {
    throw new Problem('id-token-invalid', 'The id token is expired, of another issuer or for nobody here.');
  }
  if (token.use !== 'id') throw new Problem('id-token-invalid', 'This is an access token; send the id token.');
  // Else a page could make sessions out of the tokens that it is sent as another application's customer.
  if (applicationId !== undefined && token.applicationId !== applicationId) {
    throw new Problem('id-token-invalid', 'The id token was made for another application.');
  }
  return token;
}
