import { type ApplicationKind, isPublicClient } from '../contract/api/applications.ts';
import type { Application, Caller, CallerKind } from '../contract/api/caller.ts';
import { Problem } from '../contract/api/problems.ts';
import { type LimitedKind, type LimitState, limitOf, type RateClass } from '../contract/deploy/limits.ts';
import type { Auth, Route } from '../contract/deploy/route.ts';
import { networkOf } from '../kernel/network.ts';
import type { Meter } from '../platform/telemetry.ts';

/** Knows credentials and counts requests. */
export type AccessControl = {
  /**
   * Who credentials stand for, or undefined when that is nobody of these kinds. A request that only `reads` may be
   * answered by what was known shortly before, while it cannot be asked.
   */
  identify(
    credentials: { bearer: string | undefined; clientId: string | undefined },
    options: { kinds: readonly CallerKind[]; address: string; reads: boolean },
  ): Promise<Exclude<Caller, { kind: 'anonymous' }> | undefined>;
  /** The application that a Client-Id names, if there is one that is not cut off. */
  application(clientId: string, options: { reads: boolean }): Promise<Application | undefined>;
  /** Counts one request of a subject that may make so many a minute. Never rejects. */
  take(subject: string, perMinute: number): Promise<LimitState>;
  /** Acquires one of so many permits for some seconds, unless all are taken. Never rejects. */
  acquire(
    subject: string,
    most: number,
    id: string,
    seconds: number,
  ): Promise<{ acquired: boolean; fallback: boolean }>;
  /** Releases a permit. Never rejects. */
  release(subject: string, id: string): Promise<void>;
  /** What the rate classes are multiples of. */
  perMinute: number;
};

/** What of a request says who calls. */
export type Credentials = {
  authorization: string | undefined;
  clientId: string | undefined;
  origin: string | undefined;
  address: string;
};

const kindsOf = {
  public: [],
  client: ['client', 'customer', 'app'],
  customer: ['customer'],
  session: ['customer'],
  app: ['app'],
} as const satisfies Record<Auth, readonly CallerKind[]>;

/**
 * Who is calling, once credentials, origin, limits and scopes have been checked: the one place that decides who comes
 * in. Fills `headers` with the limits' state and with what a browser wants to hear, and tells `seen` who it is, let in or
 * not.
 * @throws Problem rate-limited, unauthenticated, forbidden
 */
export async function authorize(
  route: Route,
  credentials: Credentials,
  accessControl: AccessControl,
  meter: Meter,
  headers: Record<string, string>,
  seen: (caller: Caller) => void = () => {},
): Promise<Caller> {
  const { address } = credentials;
  const limit = (caller: Caller) =>
    route.rateClass === 'exempt' ? undefined : checkLimits(caller, accessControl, meter, headers);
  const anonymous = { kind: 'anonymous', address } as const;
  if (route.auth === 'public') {
    await limit(anonymous);
    return anonymous;
  }
  const { caller, reason } = await identify(route, credentials, accessControl, headers, seen);
  // Login attempts are counted too.
  await limit(caller ?? anonymous);
  if (caller === undefined) throw new Problem('unauthenticated', reason);
  const { application } = caller;
  const missing = route.scopes.filter((scope) => !application.scopes.includes(scope));
  if (missing.length > 0) throw new Problem('forbidden', `This application lacks the scope ${missing.join(', ')}.`);
  return caller;
}

type Identified =
  | { caller: Exclude<Caller, { kind: 'anonymous' }>; reason?: undefined }
  | { caller?: undefined; reason: string };

/** @throws Problem forbidden for a page that its application does not know */
async function identify(
  { auth, method }: Route,
  { authorization, clientId, origin, address }: Credentials,
  accessControl: AccessControl,
  headers: Record<string, string>,
  seen: (caller: Caller) => void,
): Promise<Identified> {
  const reads = method === 'GET';
  if (authorization === undefined && (auth !== 'client' || clientId === undefined)) {
    return {
      reason: `Send an Authorization header, Bearer and a token${auth === 'client' ? ', or a Client-Id header' : ''}.`,
    };
  }
  const bearer = authorization === undefined ? undefined : readBearer(authorization);
  let refusal: string | undefined;
  const [named, caller] = await Promise.all([
    // A page is to read why it was refused as well.
    origin === undefined || clientId === undefined ? undefined : accessControl.application(clientId, { reads }),
    authorization !== undefined && bearer === undefined
      ? undefined
      : accessControl
          .identify({ bearer, clientId }, { kinds: kindsOf[auth], address, reads })
          .catch((error: unknown) => {
            // Refused in words of its own, and counted like any other.
            if (!(error instanceof Problem)) throw error;
            refusal = error.message;
            return undefined;
          }),
  ]);
  if (caller !== undefined) seen(caller);
  const application = caller?.application ?? named;
  if (origin !== undefined && application?.kind === 'web') {
    if (!application.origins.includes(origin)) {
      throw new Problem('forbidden', 'This application does not call from this origin.');
    }
    allowOrigin(origin, headers);
  }
  if (caller === undefined || (auth === 'session' && caller.kind === 'customer' && caller.session === undefined)) {
    return {
      reason:
        refusal ??
        (bearer === undefined && authorization === undefined
          ? 'The Client-Id names no application that may call like this.'
          : 'The token is not known here, or has expired or been revoked.'),
    };
  }
  return { caller };
}

const readBearer = (authorization: string): string | undefined =>
  /^Bearer +([A-Za-z0-9._~+/=-]{1,4096})$/i.exec(authorization)?.[1];

/** Header fields of the Fetch standard, CORS protocol. There are no cookies, so no credentials are allowed. */
function allowOrigin(origin: string, headers: Record<string, string>): void {
  headers['access-control-allow-origin'] = origin;
  headers['access-control-expose-headers'] = exposedHeaders;
  headers.vary = 'Origin';
}

const exposedHeaders =
  'ETag, Idempotency-Replayed, Location, Preference-Applied, RateLimit, RateLimit-Policy, Retry-After, X-Request-Id';

/**
 * Counts the request for each that it is made by. A server speaks for many from one address, so its address is not
 * counted; its customers are.
 * @throws Problem rate-limited
 */
async function checkLimits(
  caller: Caller,
  accessControl: AccessControl,
  meter: Meter,
  headers: Record<string, string>,
): Promise<void> {
  const { kind: by, rateClass }: { kind: ApplicationKind | undefined; rateClass: RateClass } =
    caller.kind === 'anonymous' ? { kind: undefined, rateClass: 'standard' } : caller.application;
  const subjects: Partial<Record<LimitedKind, string>> = {
    ...(by === undefined || isPublicClient(by) ? { address: networkOf(caller.address) } : {}),
    ...(caller.kind === 'customer' ? { customer: caller.customerId } : {}),
    ...(caller.kind === 'anonymous' ? {} : { application: caller.application.id }),
  };
  const states = await Promise.all(
    (Object.entries(subjects) as [LimitedKind, string][]).map(async ([subject, id]) => ({
      subject,
      state: await accessControl.take(`${subject}:${id}`, limitOf(rateClass, subject, accessControl.perMinute)),
    })),
  );
  for (const { subject, state } of states) tell(subject, state, headers);
  if (states.some(({ state }) => state.fallback)) meter.count('LimiterFallback');
  const refused = states.find(({ state }) => !state.allowed);
  if (refused === undefined) return;
  meter.count('RateLimited');
  const { subject, state } = refused;
  throw new Problem(
    'rate-limited',
    `At most ${state.limit} requests in ${state.windowSeconds} seconds for each ${subject}.`,
    { headers: { 'retry-after': String(state.resetSeconds) } },
  );
}

/**
 * Acquires a permit for the caller among those that an expensive operation is worked on for at once; the function that it gives
 * releases the permit.
 * @throws Problem too-many-at-once
 */
export async function acquirePermit(
  { operation, concurrent }: Route,
  caller: Caller,
  requestId: string,
  { accessControl, meter, seconds }: { accessControl: AccessControl; meter: Meter; seconds: number },
): Promise<() => Promise<void>> {
  if (concurrent === undefined || caller.kind === 'anonymous') return async () => {};
  const subject = `${operation}:${caller.application.id}`;
  const { acquired, fallback } = await accessControl.acquire(subject, concurrent, requestId, seconds);
  if (fallback) meter.count('LimiterFallback');
  if (acquired) return () => accessControl.release(subject, requestId);
  meter.count('ConcurrencyRefused');
  throw new Problem('too-many-at-once', `At most ${concurrent} of these at once for each application.`, {
    headers: { 'retry-after': '1' },
  });
}

/** Header fields of the IETF draft draft-ietf-httpapi-ratelimit-headers. */
function tell(name: LimitedKind, state: LimitState, headers: Record<string, string>): void {
  append(headers, 'ratelimit-policy', `"${name}";q=${state.limit};w=${state.windowSeconds}`);
  append(headers, 'ratelimit', `"${name}";r=${state.remaining};t=${state.resetSeconds}`);
}

const append = (headers: Record<string, string>, name: string, value: string): void => {
  headers[name] = headers[name] === undefined ? value : `${headers[name]}, ${value}`;
};
