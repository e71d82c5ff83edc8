import { deriveSecret } from '../auth/bearer.ts';
import type { OperationContract } from '../contract/api/operation.ts';
import type { AccessLine } from '../contract/deploy/access-line.ts';
import type { Meter } from '../contract/deploy/metrics.ts';
import { missedObjective } from '../contract/deploy/objectives.ts';
import type { CallerOf, Route } from '../contract/deploy/route.ts';
import type { Clock, Stopwatch } from '../kernel/clock.ts';
import { describeError, type Logger } from '../kernel/log.ts';
import { accessOf, type Outcome } from './access-record.ts';
import { type AccessControl, authorize } from './authorize.ts';
import { checkBody, rawBody, signedBody } from './body.ts';
import type { Edge } from './edge.ts';
import { parseHeaders } from './headers.ts';
import { fingerprintOf } from './idempotency.ts';
import { checkPath, parseInput } from './input.ts';
import { acquirePermit } from './limits.ts';
import type { Admission, Request, RequestContext } from './request.ts';
import { type Result, toResponse, withoutPersonalFields } from './response.ts';

/** What a request needs from the process. */
export type HttpRuntime = {
  meter: Meter;
  log: Logger;
  clock: Clock;
  stopwatch: Stopwatch;
  accessControl: AccessControl;
  /** Writes the record of an access. */
  record: (line: AccessLine) => void;
  edge: Edge;
  /** Of the function, where versions of it serve side by side. */
  version?: string | undefined;
};

/** Runs the handler's work, and rejects with DeadlineExceeded after so many milliseconds. */
type RunWithin<R extends Route, C extends OperationContract> = (
  request: Request<C, CallerOf<R['auth']>>,
  milliseconds: number,
) => Promise<Result>;

/** Longest that a request may take, in milliseconds: less than the function's time-out, so that it can still answer. */
const deadlineMs = (route: Route): number => (route.waits ? 27_500 : 9_000);

/**
 * Decides whether a request may be handled, before its body is parsed. The cheapest checks come first.
 * @throws Problem unauthenticated, forbidden, rate-limited, too-many-at-once, or what is wrong with its body or headers
 */
export async function admit(
  route: Route,
  contract: OperationContract,
  context: RequestContext,
  { accessControl, meter, clock }: HttpRuntime,
): Promise<Admission> {
  const caller = await authorize(route, context, accessControl, { meter, clock });
  // A path that cannot exist has no headers and no body that would mend it.
  checkPath(contract, context.event);
  const headers = parseHeaders(contract, context.event.headers);
  checkBody(contract, context.event);
  const seconds = Math.ceil(deadlineMs(route) / 1000) + 5;
  const release = await acquirePermit(route, caller, context.requestId, { ...accessControl, meter, seconds });
  return { caller, headers, release };
}

/**
 * Runs the handler of an admitted request, and turns its result into the response.
 * @param body the parsed body; undefined where the operation takes none
 * @throws Problem invalid-input, not-found, or what the handler throws; DeadlineExceeded
 */
export async function perform<R extends Route, C extends OperationContract>(
  route: R,
  contract: C,
  context: RequestContext,
  body: unknown,
  { meter, log, stopwatch, edge }: HttpRuntime,
  run: RunWithin<R, C>,
) {
  const { event, requestId, startedAt, touched, admission } = context;
  if (admission === undefined) throw new Error('the request was not admitted');
  const { caller, headers } = admission;
  const input = parseInput(contract, event, bodyOf(contract, event, body));
  const now = stopwatch.elapsed();
  const request = {
    ...input,
    ...headers,
    caller,
    requestId,
    fingerprint: contract.idempotency === undefined ? '' : fingerprintOf(route.operation, input),
    secretOf: (salt: Buffer) => deriveSecret([event.headers.authorization ?? '', headers.idempotencyKey ?? ''], salt),
    waitUntil: now + headers.waitSeconds * 1000,
    touch: (...ids: string[]) => {
      for (const id of ids) touched.add(id);
    },
    concerns: (customerId: string) => {
      context.concerned = customerId;
    },
    target: { method: event.requestContext.http.method, path: event.rawPath, origin: event.headers.origin },
    meter,
    log,
  } as Request<C, CallerOf<R['auth']>>;
  const result = await run(request, Math.max(1000, deadlineMs(route) - (now - startedAt)));
  return toResponse(withoutPersonalFields(result, contract, caller), {
    requestId,
    tagged: contract.etag === true,
    ifNoneMatch: headers.ifNoneMatch,
    shared: route.auth === 'public' && route.method === 'GET',
    maxAge: contract.shareable && caller.kind === 'client' ? shareFor(edge, context) : undefined,
  });
}

function bodyOf({ signed, raw }: OperationContract, event: RequestContext['event'], parsed: unknown): unknown {
  if (signed !== undefined) return signedBody(signed, event);
  return raw === undefined ? parsed : rawBody(event);
}

/** Prepares the header fields of an answer that others may get too. @returns how long, in seconds */
function shareFor({ maxAge }: Edge, { responseHeaders }: RequestContext): number {
  // Also that of a request with other credentials, whose answer may be another one or a refusal.
  responseHeaders.vary = 'Authorization, Client-Id, Origin';
  // What is left of this client's limits says nothing to others.
  if (maxAge > 0) for (const name of ['ratelimit', 'ratelimit-policy']) delete responseHeaders[name];
  return maxAge;
}

/** Measures and records an access, and logs why it failed if that is our fault. */
export function report(
  route: Route,
  contract: OperationContract,
  context: RequestContext,
  outcome: Outcome,
  { meter, log, stopwatch, record, version }: HttpRuntime,
): void {
  const { operation } = route;
  const { status } = outcome;
  const milliseconds = stopwatch.elapsed() - context.startedAt;
  const line = accessOf(route, contract, { ...context, milliseconds }, outcome);
  const application = line.applicationId ?? 'none';
  meter.count('Requests', 1, operation);
  meter.count('Latency', milliseconds, operation);
  meter.count('ApplicationRequests', 1, application);
  meter.count('ApplicationLatency', milliseconds, application);
  if (status >= 400) meter.count('ApplicationErrors', 1, application);
  const missed = missedObjective(operation, status, milliseconds);
  if (missed !== undefined) meter.count('ObjectiveMisses', 1, missed);
  if (status >= 500) {
    meter.count('ServerErrors', 1, operation);
    if (version !== undefined) meter.count('VersionErrors', 1, `${operation}:${version}`);
    log.error('request failed', { operation, status, requestId: line.requestId, error: describeError(outcome.error) });
  } else if (status >= 400) {
    meter.count('ClientErrors', 1, operation);
  }
  meter.flush();
  record(line);
}
