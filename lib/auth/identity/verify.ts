import { JwtBaseError, KidNotFoundInJwksError } from 'aws-jwt-verify/error';
import type { JwksCache, JwkWithKid } from 'aws-jwt-verify/jwk';
import type { JwtHeader, JwtPayload } from 'aws-jwt-verify/jwt-model';
import { JwtVerifier } from 'aws-jwt-verify/jwt-verifier';
import type { Stopwatch } from '../../kernel/clock.ts';
import { createKeyCache } from './key-cache.ts';
import { type PublicKeys, suitsAlgorithm } from './public-keys.ts';

export type VerifiedToken = {
  issuer: string;
  /** The user's id at the issuer: unique there, and never reassigned. */
  subject: string;
  /** The client id, at the identity provider, of the application that the token was issued to. */
  clientId: string;
  /** The application here that has this client id. */
  applicationId: string;
  /** An id token says who signed in. An access token, as Cognito issues them, only authorizes requests. */
  use: 'id' | 'access';
  /** When it was issued, in milliseconds since the epoch; 0 when it does not say. */
  issuedAt: number;
  /** When its user last proved who they are; when it was issued, if it does not say (OpenID Connect Core 1.0 §2). */
  authenticatedAt: number;
  claims: { email?: string; emailVerified?: boolean; name?: string; nonce?: string };
};

export type TokenVerifier = {
  /**
   * The claims of a JWT; undefined when it is not valid here, whatever the reason.
   * @throws DependencyUnavailable when the issuer's keys or the application cannot be looked up
   */
  verify(jwt: string): Promise<VerifiedToken | undefined>;
};

export type TokenVerifierOptions = {
  /** The issuer's URL, exactly as it is in tokens. */
  issuer: string;
  /** Reads the issuer's keys as last fetched. */
  readKeys: () => Promise<PublicKeys | undefined>;
  /** Finds the application that has a client id at the issuer. */
  findApplication: (clientId: string) => Promise<{ id: string } | undefined>;
  /** How far the clocks of the issuer and this machine may differ, in seconds. */
  graceSeconds: number;
  stopwatch: Stopwatch;
};

/**
 * Verifies JWTs of one OpenID Connect issuer (OpenID Connect Core 1.0 §3.1.3.7, RFC 8725): the signature, by a key of
 * the issuer and an algorithm that suits the key, and issuer, expiry, not-before and audience. Times are compared with
 * the machine's own clock, since the issuer's are too.
 */
export function createTokenVerifier(options: TokenVerifierOptions): TokenVerifier {
  const { issuer, readKeys, findApplication, graceSeconds, stopwatch } = options;
  const keys = createKeyCache(readKeys, {
    stopwatch,
    // The library caches parsed keys by their ids, but an issuer may reuse an id for another key.
    onChange: () => {
      verifier = createVerifier();
    },
  });
  const createVerifier = () =>
    JwtVerifier.create(
      { issuer, jwksUri: issuer, graceSeconds, customJwtCheck: check },
      { jwksCache: jwksCacheOver(keys.find) },
    );
  let verifier = createVerifier();

  return {
    async verify(jwt) {
      // The audience is checked below, because it needs a lookup that only a signed token is worth.
      const payload = await payloadOf(() => verifier.verify(jwt, { audience: null }));
      if (payload === undefined) return undefined;
      const use = useOf(payload);
      const clientId = clientOf(payload, use);
      const application = clientId === undefined ? undefined : await findApplication(clientId);
      if (clientId === undefined || application === undefined) return undefined;
      const claims = claimsOf(payload);
      const issuedAt = millisecondsOf(payload.iat) ?? 0;
      const authenticatedAt = millisecondsOf(payload.auth_time) ?? issuedAt;
      const times = { issuedAt, authenticatedAt };
      return { issuer, subject: payload.sub!, clientId, applicationId: application.id, use, ...times, claims };
    },
  };
}

async function payloadOf(verifying: () => Promise<JwtPayload>): Promise<JwtPayload | undefined> {
  try {
    return await verifying();
  } catch (error) {
    // Any other error is the token's fault. Node.js, for example, throws at a signature of the wrong length.
    if (error instanceof KeysUnreadable) throw error.cause;
    return undefined;
  }
}

/** Carries the error that prevented reading the keys through the library. */
class KeysUnreadable extends Error {
  override readonly name = 'KeysUnreadable';
}

/** A token that the library accepts and this service does not. */
class TokenRejected extends JwtBaseError {}

/** Checks what the library does not: it accepts tokens without an expiry, for example. */
function check({ header, payload }: { header: JwtHeader; payload: JwtPayload }): void {
  if (payload.exp === undefined) throw new TokenRejected('exp is missing');
  if (typeof payload.sub !== 'string' || payload.sub === '' || payload.sub.length > 255) throw new TokenRejected('sub');
  // RFC 7515 §4.1.11: a token with critical extensions must be rejected by whoever does not support them.
  if (header.crit !== undefined) throw new TokenRejected('crit');
  // The same keys may sign other kinds of token: access tokens (RFC 9068), logout tokens, security events.
  if (typeof header.typ === 'string' && !/^(application\/)?jwt$/i.test(header.typ)) throw new TokenRejected('typ');
  if (payload.token_use !== undefined && payload.token_use !== 'id' && payload.token_use !== 'access') {
    throw new TokenRejected('token_use');
  }
}

const useOf = (payload: JwtPayload): VerifiedToken['use'] => (payload.token_use === 'access' ? 'access' : 'id');

/** The client id that a token was issued to. Cognito's access tokens have it in `client_id`, other tokens in `aud`. */
function clientOf(payload: JwtPayload, use: VerifiedToken['use']): string | undefined {
  const { aud, azp, client_id } = payload;
  const named = use === 'access' ? client_id : typeof aud === 'string' ? aud : aud?.length === 1 ? aud[0] : undefined;
  // OpenID Connect Core 1.0 §3.1.3.7: of several audiences, the party that asked for the token.
  const chosen = use === 'id' && Array.isArray(aud) && aud.length > 1 && aud.includes(azp as string) ? azp : named;
  return typeof chosen === 'string' && chosen !== '' && chosen.length <= 255 ? chosen : undefined;
}

const millisecondsOf = (seconds: unknown): number | undefined =>
  typeof seconds === 'number' && Number.isFinite(seconds) ? seconds * 1000 : undefined;

function claimsOf({
  email,
  email_verified,
  name,
  given_name,
  family_name,
  nonce,
}: JwtPayload): VerifiedToken['claims'] {
  const full = [given_name, family_name].filter((part) => typeof part === 'string').join(' ');
  const shown = typeof name === 'string' ? name : full;
  return {
    ...(typeof email === 'string' ? { email: email.trim().toLowerCase() } : {}),
    // Some issuers send it as a string.
    ...(email_verified === undefined ? {} : { emailVerified: email_verified === true || email_verified === 'true' }),
    ...(shown.trim() === '' ? {} : { name: shown.trim() }),
    ...(typeof nonce === 'string' ? { nonce } : {}),
  };
}

/** The key cache in the form that the library needs. A key that does not suit the token's algorithm is not found. */
function jwksCacheOver(find: (kid: string) => Promise<PublicKeys['keys'][number] | undefined>): JwksCache {
  const wrapped = (cause: unknown) => new KeysUnreadable('the keys of the issuer cannot be read', { cause });
  const unused = () => {
    throw new TypeError('keys are only requested one at a time');
  };
  return {
    async getJwk(_uri, { header: { kid, alg } }) {
      const key = kid === undefined ? undefined : await find(kid).catch((cause) => Promise.reject(wrapped(cause)));
      if (key === undefined || !suitsAlgorithm(key, String(alg))) throw new KidNotFoundInJwksError('no such key');
      return key as JwkWithKid;
    },
    getCachedJwk: unused,
    getJwks: unused,
    addJwks: unused,
  };
}
