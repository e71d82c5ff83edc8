import { Validations } from 'aws-cdk-lib';
import * as apigw from 'aws-cdk-lib/aws-apigatewayv2';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as logs from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import type { Route } from '../../lib/contract/deploy/route.ts';
import { anythingElse } from '../../lib/contract/deploy/routing.ts';
import { grantsOf } from '../grants.ts';
import { HandlerFunction, type StageContext } from './handler-function.ts';
import { pascal } from './names.ts';

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
    const { payments, release } = context.settings;
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
      return { route, handler };
    });
    this.handlers = added.map(({ handler }) => handler);

    const caller = new iam.Role(this, 'Caller', {
      description: 'What the HTTP API may do: invoke the functions of its routes',
      assumedBy: new iam.ServicePrincipal('apigateway.amazonaws.com'),
      inlinePolicies: {
        invoke: new iam.PolicyDocument({
          statements: [
            new iam.PolicyStatement({
              actions: ['lambda:InvokeFunction'],
              resources: this.handlers.map((handler) => handler.function.functionArn),
            }),
          ],
        }),
      },
    });
    for (const { route, handler } of added) this.addRoute(apiId, route, handler, caller);
  }

  private addRoute(
    apiId: string,
    { operation, method, path, auth }: Route,
    handler: HandlerFunction,
    caller: iam.Role,
  ) {
    const integration = new apigw.CfnIntegration(this, `${pascal(operation)}Integration`, {
      apiId,
      integrationType: 'AWS_PROXY',
      integrationUri: handler.function.functionArn,
      credentialsArn: caller.roleArn,
      payloadFormatVersion: '2.0',
    });
    const route = new apigw.CfnRoute(this, `${pascal(operation)}Route`, {
      apiId,
      routeKey: path === anythingElse ? path : `${method} ${path}`,
      target: `integrations/${integration.ref}`,
      authorizationType: 'NONE',
    });
    Validations.of(route).acknowledge({
      id: 'AwsSolutions-APIG4',
      reason: `The handler itself authenticates callers (${auth}): revocation takes effect at once, and a request costs one invocation.`,
    });
  }
}
