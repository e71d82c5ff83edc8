import middy from '@middy/core';
import jsonBody from '@middy/http-json-body-parser';
import securityHeaders from '@middy/http-security-headers';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2, Context } from 'aws-lambda';
import type { Caller } from '../../contract/api/caller.ts';
import type { InputOf, OperationContract } from '../../contract/api/operation.ts';
import type { AccessLine } from '../../contract/deploy/access-line.ts';
import type { CallerOf, Route } from '../../contract/deploy/route.ts';
import { accessOf, type End } from '../../http/access-record.ts';
import { type AccessControl, acquirePermit, authorize } from '../../http/authorize.ts';
import { checkBody, fingerprintOf, type Headers, parseHeaders, parseInput } from '../../http/input.ts';
import { problemResponse, requestIdOf, toProblem } from '../../http/problems.ts';
import { type Result, toResponse } from '../../http/result.ts';
import { describeError } from '../../kernel/describe-error.ts';
import { newId } from '../../kernel/ids.ts';
import { httpRuntime } from '../deps.ts';
import type { Logger, Meter } from '../telemetry.ts';
import { type Runtime, untilDeadline, wireOnce } from './lambda.ts';

export type { Result } from '../../http/result.ts';

/** What a handler's `run` is handed: validated input and who asks. */
export type Request<C extends OperationContract, K extends Caller = Caller> = InputOf<C> &
  Headers & {
    caller: K;
    requestId: string;
    /** What makes two requests the same under one idempotency key; empty where the operation takes none. */
    fingerprint: string;
    /** Names what is read or changed to the record of this access, where neither path nor answer has its id. */
    touch(...ids: string[]): void;
    /** What was asked for, as it came. */
    target: { method: string; path: string; origin: string | undefined };
    meter: Meter;
    log: Logger;
  };

/** What every HTTP handler needs around its work. */
export type HttpRuntime = Runtime & { accessControl: AccessControl; record: (line: AccessLine) => void };

type Handler = (event: APIGatewayProxyEventV2, context: Context) => Promise<APIGatewayProxyStructuredResultV2>;

/** Longest that a handler may take, in milliseconds: below the function's own time-out, so that it still can answer. */
const deadlineMs = (route: Route): number => (route.waits ? 27_500 : 9_000);

/**
 * The Lambda handler of one operation (API Gateway payload format 2.0): limits, credentials, scopes and validation
 * before `run`, and one answer for everything that can go wrong.
 */
export function httpHandler<R extends Route, C extends OperationContract, D>(
  route: R,
  contract: C,
  run: (request: Request<C, CallerOf<R['auth']>>, deps: D) => Promise<Result>,
  wire: (runtime: Runtime) => D,
  runtimeOf: () => HttpRuntime = httpRuntime,
): Handler {
  const wired = wireOnce(runtimeOf, wire);

  const work = async (event: APIGatewayProxyEventV2, context: RequestContext) => {
    const { runtime, deps } = wired();
    const input = parseInput(contract, event);
    const request = {
      ...input,
      ...context.conditions,
      caller: context.caller,
      target: { method: event.requestContext.http.method, path: event.rawPath, origin: event.headers.origin },
      requestId: context.requestId,
      fingerprint: contract.idempotency === undefined ? '' : fingerprintOf(route.operation, input),
      touch: (...ids: string[]) => {
        for (const id of ids) context.touched.add(id);
      },
      meter: runtime.meter,
      log: runtime.log,
    } as Request<C, CallerOf<R['auth']>>;
    const left = deadlineMs(route) - (runtime.stopwatch.elapsed() - context.startedAt);
    const result = await untilDeadline(run(request, deps), Math.max(1000, left), route.databaseRole);
    const response = toResponse(withhold(result, contract, context.caller), {
      requestId: context.requestId,
      tagged: contract.etag === true,
      ifNoneMatch: context.conditions.ifNoneMatch,
      shared: route.auth === 'public' && route.method === 'GET',
    });
    Object.assign(response.headers, context.limitHeaders);
    return response;
  };

  const stack = middy<APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2, Error, RequestContext>()
    // middy runs `after` and `onError` from the last to the first, so the headers reach every answer.
    .use(securityHeaders(headerPolicy))
    .use(observe(route, contract, () => wired().runtime))
    .use(guard(route, contract, () => wired().runtime));
  if (contract.body !== undefined) stack.use(jsonBody({}) as middy.MiddlewareObj);
  return stack.handler(work as never) as unknown as Handler;
}

/** What one request collects on its way through the stack; middy hands it on as the Lambda context. */
type RequestContext = Context & {
  requestId: string;
  /** On the stopwatch. */
  startedAt: number;
  accessId: string;
  touched: Set<string>;
  limitHeaders: Record<string, string>;
  caller: Caller;
  conditions: Headers;
  /** Releases the permit that the request holds. */
  release: () => Promise<void>;
};

type Middleware = middy.MiddlewareObj<APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2, Error, RequestContext>;

/** First in, last out: the request id, the answer to every error, the record of the access and the request's metrics. */
function observe(route: Route, contract: OperationContract, runtimeOf: () => HttpRuntime): Middleware {
  const finish = (event: APIGatewayProxyEventV2, context: RequestContext, end: End) => {
    const { meter, log, stopwatch, record } = runtimeOf();
    const { status } = end;
    const milliseconds = stopwatch.elapsed() - context.startedAt;
    const line = accessOf(route, contract, event, { ...context, milliseconds }, end);
    const application = line.applicationId ?? 'none';
    meter.count('Requests', 1, route.operation);
    meter.count('Latency', milliseconds, route.operation);
    meter.count('ApplicationRequests', 1, application);
    meter.count('ApplicationLatency', milliseconds, application);
    if (status >= 400) meter.count('ApplicationErrors', 1, application);
    if (status >= 500) meter.count('ServerErrors', 1, route.operation);
    else if (status >= 400) meter.count('ClientErrors', 1, route.operation);
    if (status >= 500) {
      const { operation, requestId } = line;
      log.error('request failed', { operation, status, requestId, error: describeError(end.error) });
    }
    meter.flush();
    record(line);
  };
  return {
    before: ({ event, context }) => {
      const { stopwatch, clock } = runtimeOf();
      context.requestId = requestIdOf(event.headers['x-request-id'], event.requestContext.requestId);
      context.startedAt = stopwatch.elapsed();
      context.accessId = newId('access', clock);
      context.touched = new Set();
      context.limitHeaders = {};
    },
    after: ({ event, context, response }) =>
      finish(event, context, { status: response?.statusCode ?? 200, body: response?.body }),
    onError: (request) => {
      const { event, context, error } = request;
      const problem = toProblem(error);
      const response = problemResponse(problem, event.rawPath, context.requestId);
      Object.assign(response.headers, context.limitHeaders);
      request.response = response;
      finish(event, context, { status: problem.status, problem: problem.code, error: problem.cause ?? problem });
    },
  };
}

/** Size, limits, credentials, scopes and header fields, before the body is parsed. */
function guard(route: Route, contract: OperationContract, runtimeOf: () => HttpRuntime): Middleware {
  return {
    before: async ({ event, context }) => {
      const { accessControl, meter } = runtimeOf();
      const { authorization, 'client-id': clientId, origin } = event.headers;
      const credentials = { authorization, clientId, origin, address: event.requestContext.http.sourceIp };
      context.caller = await authorize(route, credentials, accessControl, meter, context.limitHeaders, (caller) => {
        context.caller = caller;
      });
      checkBody(contract, event);
      context.conditions = parseHeaders(contract, event.headers);
      const seconds = Math.ceil(deadlineMs(route) / 1000) + 5;
      context.release = await acquirePermit(route, context.caller, context.requestId, {
        accessControl,
        meter,
        seconds,
      });
    },
    after: ({ context }) => context.release(),
    onError: ({ context }) => context.release?.(),
  };
}

/** For an API that is not a page; the content security policy comes with the answer, because the docs page has its own. */
const headerPolicy = {
  contentSecurityPolicy: false,
  crossOriginEmbedderPolicy: false,
  crossOriginResourcePolicy: { policy: 'cross-origin' },
  dnsPrefetchControl: false,
  downloadOptions: false,
  originAgentCluster: false,
  permissionsPolicy: false,
  permittedCrossDomainPolicies: false,
  poweredBy: false,
  reportTo: false,
  reportingEndpoints: false,
} as const;

/** Leaves out what is personal for an application that may not read customers. */
function withhold(result: Result, { personal }: OperationContract, caller: Caller): Result {
  if (personal === undefined || caller.kind === 'anonymous' || caller.application.scopes.includes('customers:read')) {
    return result;
  }
  const fields = Object.entries(result.body as object).filter(([name]) => !personal.includes(name));
  return { ...result, body: Object.fromEntries(fields) };
}
