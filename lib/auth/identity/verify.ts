import { JwtBaseError, KidNotFoundInJwksError } from 'aws-jwt-verify/error';
import type { JwksCache, JwkWithKid } from 'aws-jwt-verify/jwk';
import type { JwtHeader, JwtPayload } from 'aws-jwt-verify/jwt-model';
import { JwtVerifier } from 'aws-jwt-verify/jwt-verifier';
import type { Stopwatch } from '../../kernel/clock.ts';
import { createKeyMemory } from './key-memory.ts';
import { fitsAlgorithm, type PublicKeys } from './public-keys.ts';

export type VerifiedToken = {
  issuer: string;
  /** Who it is, by the issuer's own name: unique there and never given to somebody else. */
  subject: string;
  /** The identity provider's id of the application that the token was made for. */
  clientId: string;
  /** Our application of that client id. */
  applicationId: string;
  /** An id token says who signed in; an access token, as Cognito makes them, only lets in. */
  use: 'id' | 'access';
  claims: { email?: string; emailVerified?: boolean; name?: string };
};

export type TokenVerifier = {
  /**
   * What a JWT says, or undefined when it is not to be believed, whatever the reason.
   * @throws DependencyUnavailable when the issuer's keys or the application cannot be looked up
   */
  verify(jwt: string): Promise<VerifiedToken | undefined>;
};

export type TokenVerifierOptions = {
  /** As it stands in tokens, to the letter. */
  issuer: string;
  /** The issuer's keys as they were fetched last. */
  readKeys: () => Promise<PublicKeys | undefined>;
  /** The application that has this client id at the issuer. */
  findApplication: (clientId: string) => Promise<{ id: string } | undefined>;
  /** How far the issuer's clock and ours may be apart, in seconds. */
  graceSeconds: number;
  stopwatch: Stopwatch;
};

/**
 * Verifies JWTs of one OpenID Connect issuer (OpenID Connect Core 1.0 §3.1.3.7, RFC 8725): signature by a key of the
 * issuer and an algorithm that fits it, issuer, expiry, not-before and audience. Times are the machine's, as in every
 * token.
 */
export function createTokenVerifier(options: TokenVerifierOptions): TokenVerifier {
  const { issuer, readKeys, findApplication, graceSeconds, stopwatch } = options;
  const memory = createKeyMemory(readKeys, {
    stopwatch,
    // The verifier keeps what it made of a key by the key's id: an issuer may put another one under the same id.
    onChange: () => {
      verifier = createVerifier();
    },
  });
  const createVerifier = () =>
    JwtVerifier.create(
      { issuer, jwksUri: issuer, graceSeconds, customJwtCheck: check },
      { jwksCache: cacheOver(memory.find) },
    );
  let verifier = createVerifier();

  return {
    async verify(jwt) {
      // The audience is checked below: which are good is looked up, and only for a token that is signed.
      const payload = await verified(() => verifier.verify(jwt, { audience: null }));
      if (payload === undefined) return undefined;
      const use = useOf(payload);
      const clientId = clientOf(payload, use);
      const application = clientId === undefined ? undefined : await findApplication(clientId);
      if (clientId === undefined || application === undefined) return undefined;
      const claims = claimsOf(payload);
      return { issuer, subject: payload.sub!, clientId, applicationId: application.id, use, claims };
    },
  };
}

async function verified(asking: () => Promise<JwtPayload>): Promise<JwtPayload | undefined> {
  try {
    return await asking();
  } catch (error) {
    // Whatever else is thrown comes from the token: Node, for one, throws at a signature of the wrong length.
    if (error instanceof KeysNotHad) throw error.cause;
    return undefined;
  }
}

/** What kept the keys from being read, on its way through the library. */
class KeysNotHad extends Error {
  override readonly name = 'KeysNotHad';
}

/** A token that does not fit what this service takes, where the library would let it pass. */
class TokenNotTaken extends JwtBaseError {}

/** What the library leaves open: it takes tokens without an end, for example. */
function check({ header, payload }: { header: JwtHeader; payload: JwtPayload }): void {
  if (payload.exp === undefined) throw new TokenNotTaken('exp is missing');
  if (typeof payload.sub !== 'string' || payload.sub === '' || payload.sub.length > 255) throw new TokenNotTaken('sub');
  // RFC 7515 §4.1.11: what must be understood is not.
  if (header.crit !== undefined) throw new TokenNotTaken('crit');
  // RFC 9068, and tokens of other kinds that the same keys may sign: logout tokens, security events.
  if (typeof header.typ === 'string' && !/^(application\/)?jwt$/i.test(header.typ)) throw new TokenNotTaken('typ');
  if (payload.token_use !== undefined && payload.token_use !== 'id' && payload.token_use !== 'access') {
    throw new TokenNotTaken('token_use');
  }
}

const useOf = (payload: JwtPayload): VerifiedToken['use'] => (payload.token_use === 'access' ? 'access' : 'id');

/** Cognito's access tokens name their client in `client_id` and have no audience; all others are for their audience. */
function clientOf(payload: JwtPayload, use: VerifiedToken['use']): string | undefined {
  const { aud, azp, client_id } = payload;
  const named = use === 'access' ? client_id : typeof aud === 'string' ? aud : aud?.length === 1 ? aud[0] : undefined;
  // OpenID Connect Core 1.0 §3.1.3.7: of several audiences, the party that asked for the token.
  const chosen = use === 'id' && Array.isArray(aud) && aud.length > 1 && aud.includes(azp as string) ? azp : named;
  return typeof chosen === 'string' && chosen !== '' && chosen.length <= 255 ? chosen : undefined;
}

function claimsOf({ email, email_verified, name, given_name, family_name }: JwtPayload): VerifiedToken['claims'] {
  const full = [given_name, family_name].filter((part) => typeof part === 'string').join(' ');
  const shown = typeof name === 'string' ? name : full;
  return {
    ...(typeof email === 'string' ? { email: email.trim().toLowerCase() } : {}),
    // Some issuers write it as a word.
    ...(email_verified === undefined ? {} : { emailVerified: email_verified === true || email_verified === 'true' }),
    ...(shown.trim() === '' ? {} : { name: shown.trim() }),
  };
}

/** Our memory of keys as the library wants it. A key of another kind than the token's algorithm is not found. */
function cacheOver(find: (kid: string) => Promise<PublicKeys['keys'][number] | undefined>): JwksCache {
  const wrapped = (cause: unknown) => new KeysNotHad('the keys of the issuer cannot be read', { cause });
  const unused = () => {
    throw new TypeError('keys are only asked for one by one');
  };
  return {
    async getJwk(_uri, { header: { kid, alg } }) {
      const key = kid === undefined ? undefined : await find(kid).catch((cause) => Promise.reject(wrapped(cause)));
      if (key === undefined || !fitsAlgorithm(key, String(alg))) throw new KidNotFoundInJwksError('no such key');
      return key as JwkWithKid;
    },
    getCachedJwk: unused,
    getJwks: unused,
    addJwks: unused,
  };
}
