import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import type { OperationContract } from '../../contract/api/operation.ts';
import type { CallerOf, Route } from '../../contract/deploy/route.ts';
import { type HttpRuntime, handleRequest } from '../../http/pipeline.ts';
import type { Request } from '../../http/request.ts';
import type { Result } from '../../http/response.ts';
import { accessControl } from '../access-control.ts';
import { recordAccess } from '../access-log.ts';
import { type Runtime, runtime, untilDeadline, wireOnce } from './lambda.ts';

type HttpHandler = (event: APIGatewayProxyEventV2) => Promise<APIGatewayProxyStructuredResultV2>;

const httpRuntime = (): HttpRuntime => ({ ...runtime(), record: recordAccess, accessControl: accessControl() });

/**
 * The Lambda handler of an HTTP operation (API Gateway, payload format 2.0): the pipeline of `lib/http` around `run`,
 * with the runtime of this process.
 */
export function httpHandler<R extends Route, C extends OperationContract, D>(
  route: R,
  contract: C,
  run: (request: Request<C, CallerOf<R['auth']>>, deps: D) => Promise<Result>,
  wire: (runtime: Runtime) => D,
  runtimeOf: () => HttpRuntime = httpRuntime,
): HttpHandler {
  const wired = wireOnce(runtimeOf, wire);
  return async (event) => {
    const { runtime, deps } = wired();
    return handleRequest(route, contract, event, runtime, (request, milliseconds) =>
      untilDeadline(run(request, deps), milliseconds, route.databaseRole),
    );
  };
}
