import middy from '@middy/core';
import jsonBody from '@middy/http-json-body-parser';
import securityHeaders from '@middy/http-security-headers';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2, Context } from 'aws-lambda';
import type { OperationContract } from '../../contract/api/operation.ts';
import type { CallerOf, Route } from '../../contract/deploy/route.ts';
import { admit, type HttpRuntime, perform, report } from '../../http/pipeline.ts';
import { problemResponse, toProblem } from '../../http/problems.ts';
import { openRequest, type Request, type RequestContext } from '../../http/request.ts';
import type { Result } from '../../http/response.ts';
import { correlated } from '../../kernel/correlation.ts';
import { accessControl } from '../access-control.ts';
import { recordAccess } from '../access-log.ts';
import { config, functionVersion } from '../config.ts';
import { repeatWhileWriterSwitches } from '../repeat.ts';
import { addToTrace } from '../telemetry.ts';
import { type Runtime, runtime, untilDeadline, wireOnce } from './lambda.ts';

type HttpHandler = (event: APIGatewayProxyEventV2, context?: Context) => Promise<APIGatewayProxyStructuredResultV2>;

const httpRuntime = (): HttpRuntime => ({
  ...runtime(),
  record(line) {
    recordAccess(line);
    const { operation, requestId, status, milliseconds } = line;
    const order = line.resources.find((id) => id.startsWith('ord_'));
    addToTrace({ milliseconds, fault: status >= 500, annotations: { operation, requestId, status, orderId: order } });
  },
  accessControl: accessControl(),
  edge: { maxAge: config().CATALOG_MAX_AGE_SECONDS, key: config().EDGE_KEY },
  version: functionVersion(),
});

/**
 * The Lambda handler of an HTTP operation (API Gateway, payload format 2.0): middleware that reports, admits and parses,
 * around `run`, with the runtime of this process.
 */
export function httpHandler<R extends Route, C extends OperationContract, D>(
  route: R,
  contract: C,
  run: (request: Request<C, CallerOf<R['auth']>>, deps: D) => Promise<Result>,
  wire: (runtime: Runtime) => D,
  runtimeOf: () => HttpRuntime = httpRuntime,
): HttpHandler {
  const wired = wireOnce(runtimeOf, wire);
  const process = () => wired().runtime;
  // middy runs `after` and `onError` from the last to the first: the header fields are set when nothing else is left.
  const stack = middy<APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2, Error, HttpContext>()
    .use(securityHeaders(headerPolicy))
    .use(reporting(route, contract, process))
    .use(admission(route, contract, process));
  if (contract.bodyOptional) stack.use(emptyBody);
  if (contract.body !== undefined) stack.use(jsonBody() as middy.MiddlewareObj);
  const handler = stack.handler(async (event, { request }) => {
    const { runtime, deps } = wired();
    return perform(route, contract, request, event.body, runtime, (input, milliseconds) => {
      const work = () => correlated(request.requestId, () => run(input, deps));
      const attempt = (limit: number) => untilDeadline(work(), limit, route.databaseRole);
      const safe = route.databaseRole !== null && isSafeToRepeat(route, contract, input);
      return safe
        ? repeatWhileWriterSwitches(attempt, { milliseconds, stopwatch: runtime.stopwatch })
        : attempt(milliseconds);
    });
  });
  return handler as unknown as HttpHandler;
}

/** Puts an empty object where a body may be left out, and is. */
const emptyBody: middy.MiddlewareObj<APIGatewayProxyEventV2> = {
  before: ({ event }) => {
    if ((event.body ?? '') !== '') return;
    event.body = '{}';
    event.headers['content-type'] = 'application/json';
  },
};

/** It reads, or the key that it claims makes its effect happen once. */
const isSafeToRepeat = (route: Route, contract: OperationContract, input: object): boolean =>
  route.method === 'GET' ||
  (contract.idempotency !== undefined && 'idempotencyKey' in input && input.idempotencyKey !== undefined);

/** middy hands the Lambda context from one middleware to the next. Everything of ours is in its one typed field. */
type HttpContext = Context & { request: RequestContext };

type Middleware = middy.MiddlewareObj<APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2, Error, HttpContext>;

/** Opens the request, and answers every error. Whatever the outcome, it is reported before the response leaves. */
function reporting(route: Route, contract: OperationContract, runtimeOf: () => HttpRuntime): Middleware {
  return {
    before: ({ event, context }) => {
      context.request = openRequest(event, runtimeOf());
    },
    after: ({ context: { request }, response }) => {
      Object.assign(response?.headers ?? {}, request.responseHeaders);
      report(route, contract, request, { status: response?.statusCode ?? 200, body: response?.body }, runtimeOf());
    },
    onError: (failed) => {
      const { request } = failed.context;
      const problem = toProblem(failed.error);
      failed.response = problemResponse(problem, failed.event.rawPath, request.requestId);
      Object.assign(failed.response.headers ?? {}, request.responseHeaders);
      const { status, code, cause } = problem;
      report(route, contract, request, { status, problem: code, error: cause ?? problem }, runtimeOf());
    },
  };
}

/** Admits the request before its body is parsed, and releases its permit when it has ended. */
function admission(route: Route, contract: OperationContract, runtimeOf: () => HttpRuntime): Middleware {
  return {
    before: async ({ context: { request } }) => {
      request.admission = await admit(route, contract, request, runtimeOf());
    },
    after: ({ context: { request } }) => request.admission?.release(),
    onError: ({ context: { request } }) => request.admission?.release(),
  };
}

/** For an API. The content security policy comes with the response, because the page with the docs has its own. */
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
  strictTransportSecurity: { maxAge: 365 * 24 * 3600, includeSubDomains: true },
} as const;
