import * as lambda from 'aws-cdk-lib/aws-lambda';
import type * as logs from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import type { OperationId } from '../../lib/contract/api/operations.ts';
import { liveAlias, type Route } from '../../lib/contract/deploy/route.ts';
import { anythingElse } from '../../lib/contract/deploy/routing.ts';
import { grantsOf } from '../grants.ts';
import type { Profile } from '../profiles.ts';
import { Canary } from './canary.ts';
import { HandlerFunction, type StageContext } from './handler-function.ts';
import { addPath, callerOf } from './http-path.ts';
import { pascal } from './names.ts';

/** What is called by an alias, and moves to a new version as a canary: the request that costs a shop most when it fails. */
const canaried: readonly OperationId[] = ['place-order'];

/** In seconds: one less than an HTTP API waits for a function, so that the answer gets out. */
const longest = 29;

export type HttpHandlersProps = {
  context: StageContext;
  apiId: string;
  /** Of all HTTP handlers. */
  logGroup: logs.LogGroup;
  routes: readonly Route[];
};

/**
 * Routes of the HTTP table, added to an API of another stack. Each costs four resources: function, role, integration and
 * route. The API invokes all functions by one role; a permission on each function would be a fifth resource.
 */
export class HttpHandlers extends Construct {
  readonly handlers: HandlerFunction[];

  constructor(scope: Construct, id: string, { context, apiId, logGroup, routes }: HttpHandlersProps) {
    super(scope, id);
    const { payments, profile, release } = context.settings;
    const added = routes.map((route) => {
      const handler = new HandlerFunction(this, pascal(route.operation), {
        ...context,
        handler: route.handler,
        logGroup,
        description: `${route.method} ${route.path}`,
        grants: grantsOf({ kind: 'http', row: route }, payments.provider),
        timeoutSeconds: route.waits ? longest : 10,
        // Only on this function, or every release would replace all of them.
        ...(route.operation === 'get-health' ? { environment: { RELEASE: release } } : {}),
      });
      return { route, handler, callee: this.calleeOf(route.operation, handler, profile) };
    });
    this.handlers = added.map(({ handler }) => handler);

    const caller = callerOf(
      this,
      'Caller',
      added.map(({ callee }) => callee.functionArn),
    );
    for (const { route, callee } of added) {
      const { operation, method, path, auth } = route;
      addPath(this, pascal(operation), {
        apiId,
        routeKey: path === anythingElse ? path : `${method} ${path}`,
        functionArn: callee.functionArn,
        caller,
        reason: `The handler itself authenticates callers (${auth}): revocation takes effect at once, and a request costs one invocation.`,
      });
    }
  }

  private calleeOf(operation: OperationId, handler: HandlerFunction, { stage, canary }: Profile): lambda.IFunction {
    if (!canaried.includes(operation)) return handler.function;
    // In the strictest mode of TypeScript, CDK's classes do not fit its own interfaces.
    const version = handler.function.currentVersion as lambda.IVersion;
    const alias = new lambda.Alias(handler, 'Live', { aliasName: liveAlias, version });
    if (canary) new Canary(handler, 'Canary', { stage, operation, fn: handler.function, alias });
    return alias as lambda.IFunction;
  }
}
