import { type Caller, callerKey } from '../contract/caller.ts';
import type { LimitState } from '../contract/limits.ts';
import { Problem } from '../contract/problems.ts';
import type { Route } from '../contract/route.ts';
import { networkOf } from '../kernel/network.ts';
import type { Meter } from '../platform/telemetry.ts';

/** Knows credentials and counts requests. */
export type Doorkeeper = {
  /** The caller that a bearer credential stands for, or undefined when it stands for none of these kinds. */
  identify(bearer: string, kinds: readonly ('customer' | 'app')[], address: string): Promise<Caller | undefined>;
  /** Counts one request of a subject. Never rejects. */
  take(subject: string): Promise<LimitState>;
};

const kindsOf = {
  public: [],
  session: ['customer'],
  'public-or-session': ['customer'],
  app: ['app'],
} as const satisfies Record<Route['auth'], readonly ('customer' | 'app')[]>;

/**
 * Who is calling, once limits, credentials and scopes have been checked. Fills `headers` with the limits' state.
 * @throws Problem rate-limited, unauthenticated, forbidden
 */
export async function admit(
  route: Route,
  request: { authorization: string | undefined; address: string },
  doorkeeper: Doorkeeper,
  meter: Meter,
  headers: Record<string, string>,
): Promise<Caller> {
  const { authorization, address } = request;
  const kinds = kindsOf[route.auth];
  const identified = identify(route, authorization, kinds, address, doorkeeper);
  identified.catch(() => {});
  if (route.rateClass !== 'exempt') {
    check({ address: await doorkeeper.take(`address:${networkOf(address)}`) }, meter, headers);
  }
  const caller = await identified;
  if (caller.kind === 'app') {
    const missing = route.scopes.filter((scope) => !caller.scopes.includes(scope));
    if (missing.length > 0) throw new Problem('forbidden', `This key lacks the scope ${missing.join(', ')}.`);
  }
  if (caller.kind !== 'anonymous' && route.rateClass !== 'exempt') {
    check({ caller: await doorkeeper.take(callerKey(caller)) }, meter, headers);
  }
  return caller;
}

async function identify(
  route: Route,
  authorization: string | undefined,
  kinds: readonly ('customer' | 'app')[],
  address: string,
  doorkeeper: Doorkeeper,
): Promise<Caller> {
  if (route.auth === 'public' || (route.auth === 'public-or-session' && authorization === undefined)) {
    return { kind: 'anonymous', address };
  }
  if (authorization === undefined) {
    throw new Problem('unauthenticated', 'Send an Authorization header: Bearer and a token.');
  }
  const bearer = /^Bearer +([A-Za-z0-9._~+/=-]{1,4096})$/i.exec(authorization)?.[1];
  const caller = bearer === undefined ? undefined : await doorkeeper.identify(bearer, kinds, address);
  if (caller === undefined) {
    throw new Problem('unauthenticated', 'The token is not known, or has expired or been revoked.');
  }
  return caller;
}

/** Header fields of the IETF draft draft-ietf-httpapi-ratelimit-headers. */
function check(states: Record<string, LimitState>, meter: Meter, headers: Record<string, string>): void {
  for (const [name, state] of Object.entries(states)) {
    append(headers, 'ratelimit-policy', `"${name}";q=${state.limit};w=${state.windowSeconds}`);
    append(headers, 'ratelimit', `"${name}";r=${state.remaining};t=${state.resetSeconds}`);
    if (state.fallback) meter.count('LimiterFallback');
    if (!state.allowed) {
      meter.count('RateLimited');
      throw new Problem(
        'rate-limited',
        `At most ${state.limit} requests in ${state.windowSeconds} seconds for each ${name}.`,
        {
          headers: { 'retry-after': String(state.resetSeconds) },
        },
      );
    }
  }
}

const append = (headers: Record<string, string>, name: string, value: string): void => {
  headers[name] = headers[name] === undefined ? value : `${headers[name]}, ${value}`;
};
