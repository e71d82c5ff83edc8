import { createHash } from 'node:crypto';
import { isPublicClient } from '../contract/api/applications.ts';
import type { Caller, CallerKind, OwnSession } from '../contract/api/caller.ts';
import { type CircuitBreaker, createCircuitBreaker } from '../kernel/circuit-breaker.ts';
import type { Clock } from '../kernel/clock.ts';
import { lruCache } from '../kernel/lru-cache.ts';
import { staleIfError } from '../kernel/stale-if-error.ts';
import { type FindApplication, staleMs } from './applications/cache.ts';
import { bearerKinds } from './bearer.ts';

/** A bearer token, the value of `Client-Id`, or both. */
export type Credentials = { bearer: string | undefined; clientId: string | undefined };

export type AuthenticatedCaller = Exclude<Caller, { kind: 'anonymous' }>;

export type AuthenticateOptions = {
  /** Credentials of other kinds are not even looked up. */
  kinds: readonly CallerKind[];
  /** The client's IP address. */
  address: string;
  /** Whether recently verified credentials suffice while the stores do not answer: for requests that change nothing. */
  allowStale: boolean;
};

/**
 * The caller that the credentials belong to; undefined when they are unknown, expired, revoked, of another kind, or of
 * a suspended application.
 * @throws DependencyUnavailable; Problem unauthenticated for an identity token that was never exchanged
 */
export type Authenticate = (
  credentials: Credentials,
  options: AuthenticateOptions,
) => Promise<AuthenticatedCaller | undefined>;

/**
 * Finds the holders of credentials. Each returns undefined for what it does not know, and throws DependencyUnavailable.
 */
export type CredentialStores = {
  session(token: string): Promise<(OwnSession & { applicationId: string | undefined }) | undefined>;
  key(key: string): Promise<{ keyId: string; applicationId: string } | undefined>;
  /** By a token of the identity provider. */
  token(jwt: string): Promise<{ customerId: string; applicationId: string } | undefined>;
  application: FindApplication;
};

type Holder =
  | { kind: 'customer'; applicationId: string; customerId: string; session?: OwnSession }
  | { kind: 'app'; applicationId: string; keyId: string };

type FindHolder = (bearer: string) => Promise<Holder | undefined>;

/** How many verified holders a process keeps to serve while the stores do not answer. */
const maxVerified = 10_000;

/**
 * Authenticates callers. Sessions, keys and tokens are looked up for every request, so that revoking one takes effect
 * at once. While the stores do not answer, a request that allows it is served with credentials that were verified
 * within the last five minutes; every other request gets DependencyUnavailable.
 */
export function createAuthenticator(
  stores: CredentialStores,
  clock: Clock,
  breaker: CircuitBreaker = createCircuitBreaker(clock),
): Authenticate {
  const verified = lruCache<{ at: number; holder: Holder }>(maxVerified);

  return async ({ bearer, clientId }, { kinds, address, allowStale }) => {
    if (bearer === undefined) {
      const application = clientId === undefined ? undefined : await stores.application(clientId, { allowStale });
      const accepted = application !== undefined && isPublicClient(application.kind) && kinds.includes('client');
      return accepted ? { kind: 'client', address, application } : undefined;
    }
    const method = methodOf(stores, bearer);
    if (method === undefined || !kinds.includes(method.kind)) return undefined;
    const holder = await findHolder(bearer, method.find, allowStale);
    if (holder === undefined || (clientId !== undefined && clientId !== holder.applicationId)) return undefined;
    const { applicationId, ...rest } = holder;
    const application = await stores.application(applicationId, { allowStale });
    if (application === undefined) return undefined;
    if (rest.kind === 'customer' && rest.session && rest.session.openedAt < application.sessionsNotBefore)
      return undefined;
    return { ...rest, address, application };
  };

  async function findHolder(bearer: string, find: FindHolder, allowStale: boolean): Promise<Holder | undefined> {
    const name = createHash('sha256').update(bearer).digest('base64url');
    const last = verified.get(name);
    const servable = allowStale && last !== undefined && Math.abs(clock.now() - last.at) < staleMs;
    return staleIfError(breaker, servable ? { value: last.holder } : undefined, async () => {
      const holder = await find(bearer);
      if (holder === undefined) verified.delete(name);
      else verified.set(name, { at: clock.now(), holder });
      return holder;
    });
  }
}

/** The authentication method of a bearer token. Its form alone decides, so that each token costs one lookup. */
function methodOf(
  stores: CredentialStores,
  bearer: string,
): { kind: 'app' | 'customer'; find: FindHolder } | undefined {
  if (bearer.startsWith(bearerKinds.appKey.prefix)) return { kind: 'app', find: byKey(stores) };
  if (bearer.startsWith(bearerKinds.session.prefix)) return { kind: 'customer', find: bySession(stores) };
  return /^[\w-]+\.[\w-]+\.[\w-]+$/.test(bearer) ? { kind: 'customer', find: byIdentityToken(stores) } : undefined;
}

const byKey =
  (stores: CredentialStores): FindHolder =>
  async (bearer) => {
    const key = await stores.key(bearer);
    return key && { kind: 'app', ...key };
  };

const bySession =
  (stores: CredentialStores): FindHolder =>
  async (bearer) => {
    const found = await stores.session(bearer);
    if (found?.applicationId === undefined) return undefined;
    const { applicationId, ...session } = found;
    return { kind: 'customer', applicationId, customerId: session.customerId, session };
  };

const byIdentityToken =
  (stores: CredentialStores): FindHolder =>
  async (bearer) => {
    const token = await stores.token(bearer);
    return token && { kind: 'customer', ...token };
  };
