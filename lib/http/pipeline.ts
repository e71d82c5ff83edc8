import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import type { OperationContract } from '../contract/api/operation.ts';
import type { AccessLine } from '../contract/deploy/access-line.ts';
import type { Meter } from '../contract/deploy/metrics.ts';
import type { CallerOf, Route } from '../contract/deploy/route.ts';
import type { Clock, Stopwatch } from '../kernel/clock.ts';
import { describeError, type Logger } from '../kernel/log.ts';
import { accessOf, type Outcome } from './access-record.ts';
import { type AccessControl, authorize } from './authorize.ts';
import { checkBody, readBody } from './body.ts';
import { parseHeaders } from './headers.ts';
import { fingerprintOf } from './idempotency.ts';
import { parseInput } from './input.ts';
import { acquirePermit } from './limits.ts';
import { problemResponse, toProblem } from './problems.ts';
import { openRequest, type Request, type RequestContext } from './request.ts';
import { type Result, securityHeaders, toResponse, withoutPersonalFields } from './response.ts';

/** What the pipeline needs from the process. */
export type HttpRuntime = {
  meter: Meter;
  log: Logger;
  clock: Clock;
  stopwatch: Stopwatch;
  accessControl: AccessControl;
  /** Writes the record of an access. */
  record: (line: AccessLine) => void;
};

/** Runs the handler's work, and rejects with DeadlineExceeded after so many milliseconds. */
type RunWithin<R extends Route, C extends OperationContract> = (
  request: Request<C, CallerOf<R['auth']>>,
  milliseconds: number,
) => Promise<Result>;

/** Longest that a request may take, in milliseconds: less than the function's time-out, so that it can still answer. */
const deadlineMs = (route: Route): number => (route.waits ? 27_500 : 9_000);

/**
 * Handles one request: checks access and input, runs the handler, and turns its result or any error into the response.
 * Whatever the outcome, it is measured and recorded before the response leaves.
 */
export async function handleRequest<R extends Route, C extends OperationContract>(
  route: R,
  contract: C,
  event: APIGatewayProxyEventV2,
  runtime: HttpRuntime,
  run: RunWithin<R, C>,
): Promise<APIGatewayProxyStructuredResultV2> {
  const context = openRequest(event, runtime);
  const { response, outcome } = await answer(route, contract, context, runtime, run).then(
    (response) => ({ response, outcome: { status: response.statusCode, body: response.body } }),
    (error: unknown) => {
      const problem = toProblem(error);
      return {
        response: problemResponse(problem, event.rawPath, context.requestId),
        outcome: { status: problem.status, problem: problem.code, error: problem.cause ?? problem },
      };
    },
  );
  Object.assign(response.headers, context.responseHeaders, securityHeaders);
  report(route, contract, context, outcome, runtime);
  return response;
}

/** The response to a request that nothing is wrong with. The cheapest checks come first. */
async function answer<R extends Route, C extends OperationContract>(
  route: R,
  contract: C,
  context: RequestContext,
  runtime: HttpRuntime,
  run: RunWithin<R, C>,
) {
  const { event, requestId, startedAt } = context;
  const { accessControl, meter, log, stopwatch } = runtime;
  const caller = await authorize(route, context, accessControl, meter);
  checkBody(contract, event);
  const headers = parseHeaders(contract, event.headers);
  const seconds = Math.ceil(deadlineMs(route) / 1000) + 5;
  const release = await acquirePermit(route, caller, requestId, { ...accessControl, meter, seconds });
  try {
    const input = parseInput(contract, event, readBody(contract, event));
    const now = stopwatch.elapsed();
    const request = {
      ...input,
      ...headers,
      caller,
      requestId,
      fingerprint: contract.idempotency === undefined ? '' : fingerprintOf(route.operation, input),
      waitUntil: now + headers.waitSeconds * 1000,
      touch: (...ids: string[]) => {
        for (const id of ids) context.touched.add(id);
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
    });
  } finally {
    await release();
  }
}

/** Measures and records an access, and logs why it failed if that is our fault. */
function report(
  route: Route,
  contract: OperationContract,
  context: RequestContext,
  outcome: Outcome,
  { meter, log, stopwatch, record }: HttpRuntime,
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
  if (status >= 500) {
    meter.count('ServerErrors', 1, operation);
    log.error('request failed', { operation, status, requestId: line.requestId, error: describeError(outcome.error) });
  } else if (status >= 400) {
    meter.count('ClientErrors', 1, operation);
  }
  meter.flush();
  record(line);
}
