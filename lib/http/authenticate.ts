import type { FindApplication } from '../auth/applications/cache.ts';
import type { Authenticate, AuthenticatedCaller } from '../auth/authenticate.ts';
import { bearerKinds } from '../auth/bearer.ts';
import type { Application, CallerKind } from '../contract/api/caller.ts';
import { Problem } from '../contract/api/problems.ts';
import type { Auth, Route } from '../contract/deploy/route.ts';

/** What of a request says who is calling. */
export type RequestCredentials = {
  authorization: string | undefined;
  clientId: string | undefined;
  origin: string | undefined;
  /** The client's IP address. */
  address: string;
};

export type Authentication = {
  /** Who the credentials belong to, if they are valid. */
  caller: AuthenticatedCaller | undefined;
  /** The caller's application. Of a page without valid credentials, the one that its Client-Id names. */
  application: Application | undefined;
  /** Why the route does not accept the credentials; undefined when it does. */
  refusal: string | undefined;
};

const kindsOf = {
  public: [],
  client: ['client', 'customer', 'app'],
  customer: ['customer'],
  session: ['customer'],
  app: ['app'],
  customerOrApp: ['customer', 'app'],
} as const satisfies Record<Auth, readonly CallerKind[]>;

/**
 * Finds out who is calling, and whether the route accepts the authentication method.
 * @throws DependencyUnavailable
 */
export async function authenticate(
  { auth, method }: Route,
  { authorization, clientId, origin, address }: RequestCredentials,
  stores: { authenticate: Authenticate; findApplication: FindApplication },
): Promise<Authentication> {
  if (authorization === undefined && (auth !== 'client' || clientId === undefined)) {
    return { caller: undefined, application: undefined, refusal: missing(auth) };
  }
  const bearer = authorization === undefined ? undefined : bearerToken(authorization);
  const malformed = authorization !== undefined && bearer === undefined;
  const allowStale = method === 'GET';
  const [named, { caller, reason }] = await Promise.all([
    // A page must be allowed to read why it was refused.
    origin === undefined || clientId === undefined ? undefined : stores.findApplication(clientId, { allowStale }),
    malformed
      ? unknownCaller
      : stores
          .authenticate({ bearer, clientId }, { kinds: kindsOf[auth], address, allowStale })
          .then((caller) => ({ caller, reason: undefined }), reasonOf),
  ]);
  const application = caller?.application ?? named;
  const accepted =
    caller !== undefined && (auth !== 'session' || (caller.kind === 'customer' && caller.session !== undefined));
  return { caller, application, refusal: accepted ? undefined : (reason ?? invalid(auth, authorization)) };
}

const unknownCaller = { caller: undefined, reason: undefined };

/** Some credentials are refused for a reason of their own, which the client learns. */
function reasonOf(error: unknown): { caller: undefined; reason: string } {
  if (error instanceof Problem) return { caller: undefined, reason: error.message };
  throw error;
}

const missing = (auth: Auth): string =>
  `Send an Authorization header with a Bearer token${auth === 'client' ? ', or a Client-Id header' : ''}.`;

/** Says what is wrong with credentials as far as their form shows it, and nothing about whether they exist. */
function invalid(auth: Auth, authorization: string | undefined): string {
  if (authorization === undefined) return 'The Client-Id belongs to no application that may call without a key.';
  const bearer = bearerToken(authorization);
  if (bearer === undefined) return 'Send the token as "Authorization: Bearer <token>".';
  const sent = credentialKinds.find(({ prefix }) => bearer.startsWith(prefix));
  const needed = needs[auth];
  if (sent !== undefined && needed !== undefined && sent.kind !== needed.kind) {
    return `This operation needs ${needed.name}. You sent ${sent.name}.`;
  }
  if (sent === undefined && auth === 'session')
    return 'This operation needs the token of a session, from POST /sessions.';
  return 'The token is unknown, has expired, or was revoked.';
}

const credentialKinds = [
  { kind: 'app', prefix: bearerKinds.appKey.prefix, name: 'an application’s key' },
  { kind: 'customer', prefix: bearerKinds.session.prefix, name: 'the token of a customer’s session' },
] as const;

const needs: Readonly<Partial<Record<Auth, { kind: 'app' | 'customer'; name: string }>>> = {
  app: { kind: 'app', name: 'an application’s key' },
  customer: { kind: 'customer', name: 'a customer’s session' },
  session: { kind: 'customer', name: 'a customer’s session' },
};

const bearerToken = (authorization: string): string | undefined =>
  /^Bearer +([A-Za-z0-9._~+/=-]{1,4096})$/i.exec(authorization)?.[1];
