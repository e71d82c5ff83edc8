import { createHash } from 'node:crypto';
import { isPublicClient } from '../../contract/api/applications.ts';
import type { Caller, CallerKind } from '../../contract/api/caller.ts';
import { type CircuitBreaker, createCircuitBreaker } from '../../kernel/circuit-breaker.ts';
import type { Clock } from '../../kernel/clock.ts';
import { lruCache } from '../../kernel/lru-cache.ts';
import { staleIfError } from '../../kernel/stale-if-error.ts';
import { type Registry, rememberedMs } from './registry.ts';

/** What credentials are looked up in. Each gives undefined for what it does not know, and throws DependencyUnavailable. */
export type Lookups = {
  session(
    token: string,
  ): Promise<{ customerId: string; tokenHash: string; applicationId: string | undefined } | undefined>;
  key(key: string): Promise<{ keyId: string; applicationId: string } | undefined>;
  /** A token of the identity provider. */
  token(jwt: string): Promise<{ customerId: string; applicationId: string } | undefined>;
  application: Registry;
};

export type Credentials = { bearer: string | undefined; clientId: string | undefined };

type Holder =
  | { kind: 'customer'; applicationId: string; customerId: string; session?: { customerId: string; tokenHash: string } }
  | { kind: 'app'; applicationId: string; keyId: string };

/** Holders that a process remembers for the time that DynamoDB is away. */
const remembered = 10_000;

/**
 * Finds out who credentials stand for. Sessions, keys and tokens are looked up for every request, so that what was
 * revoked is out at once. While that fails, requests that only read go on with what was verified within five minutes;
 * all others, and what was never verified, get DependencyUnavailable.
 */
export function createIdentify(lookups: Lookups, clock: Clock, breaker: CircuitBreaker = createCircuitBreaker(clock)) {
  const verified = lruCache<{ at: number; holder: Holder }>(remembered);

  return async (
    { bearer, clientId }: Credentials,
    options: { kinds: readonly CallerKind[]; address: string; reads: boolean },
  ): Promise<Exclude<Caller, { kind: 'anonymous' }> | undefined> => {
    const { kinds, address, reads } = options;
    if (bearer === undefined) {
      const application = clientId === undefined ? undefined : await lookups.application(clientId, { reads });
      const known = application !== undefined && isPublicClient(application.kind) && kinds.includes('client');
      return known ? { kind: 'client', address, application } : undefined;
    }
    const form = formOf(bearer);
    if (form === undefined || !kinds.includes(form.kind)) return undefined;
    const holder = await holderOf(bearer, form.lookUp, reads);
    if (holder === undefined || (clientId !== undefined && clientId !== holder.applicationId)) return undefined;
    const { applicationId, ...rest } = holder;
    const application = await lookups.application(applicationId, { reads });
    return application && { ...rest, address, application };
  };

  async function holderOf(bearer: string, lookUp: LookUp, reads: boolean): Promise<Holder | undefined> {
    const name = createHash('sha256').update(bearer).digest('base64url');
    const last = verified.get(name);
    const usable = reads && last !== undefined && Math.abs(clock.now() - last.at) < rememberedMs;
    return staleIfError(breaker, usable ? { value: last.holder } : undefined, async () => {
      const holder = await lookUp(bearer);
      if (holder === undefined) verified.delete(name);
      else verified.set(name, { at: clock.now(), holder });
      return holder;
    });
  }

  /** The form of a credential says which kind it is, so that each costs one lookup. */
  function formOf(bearer: string): { kind: 'app' | 'customer'; lookUp: LookUp } | undefined {
    if (bearer.startsWith('cfk_')) return { kind: 'app', lookUp: ofKey };
    if (bearer.startsWith('cfs_')) return { kind: 'customer', lookUp: ofSession };
    return /^[\w-]+\.[\w-]+\.[\w-]+$/.test(bearer) ? { kind: 'customer', lookUp: ofToken } : undefined;
  }

  async function ofKey(bearer: string): Promise<Holder | undefined> {
    const key = await lookups.key(bearer);
    return key && { kind: 'app', ...key };
  }

  async function ofSession(bearer: string): Promise<Holder | undefined> {
    const found = await lookups.session(bearer);
    if (found?.applicationId === undefined) return undefined;
    const { applicationId, ...session } = found;
    return { kind: 'customer', applicationId, customerId: session.customerId, session };
  }

  async function ofToken(bearer: string): Promise<Holder | undefined> {
    const token = await lookups.token(bearer);
    return token && { kind: 'customer', ...token };
  }
}

type LookUp = (bearer: string) => Promise<Holder | undefined>;
