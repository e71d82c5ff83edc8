import { RemovalPolicy, Validations } from 'aws-cdk-lib';
import { AccessLogField, AccessLogFormat } from 'aws-cdk-lib/aws-apigateway';
import * as apigw from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import * as logs from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { routes } from '../../functions/routes.ts';
import type { OperationId } from '../../lib/contract/api/operations.ts';
import type { Route } from '../../lib/contract/deploy/route.ts';
import { anythingElse } from '../../lib/contract/deploy/routing.ts';
import { grantsOf } from '../grants.ts';
import { HandlerFunction, handlerLog, type StageContext } from './handler-function.ts';
import { pascal } from './names.ts';

/** Seconds an HTTP API waits for a function at most, less one for the answer to get out. */
const longest = 29;

/** The HTTP table as an HTTP API: one route and one function a row, but for those of another payment provider. */
export class HttpApi extends Construct {
  readonly api: apigw.HttpApi;
  readonly handlers: HandlerFunction[] = [];
  /** Of all HTTP handlers: one subscription takes the records of accesses, and one query reads them. */
  readonly logGroup: logs.LogGroup;

  constructor(scope: Construct, id: string, props: { context: StageContext }) {
    super(scope, id);
    const { profile, payments, release } = props.context.settings;
    this.api = new apigw.HttpApi(this, 'Api', {
      apiName: `counterfoil-${profile.name}`,
      createDefaultStage: false,
    });
    new apigw.HttpStage(this, 'Stage', {
      httpApi: this.api,
      stageName: '$default',
      autoDeploy: true,
      throttle: { rateLimit: profile.throttle.rate, burstLimit: profile.throttle.burst },
      accessLogSettings: {
        destination: new apigw.LogGroupLogDestination(
          new logs.LogGroup(this, 'AccessLog', {
            logGroupName: `/counterfoil/${profile.name}/access`,
            retention: profile.logDays,
            removalPolicy: profile.keeps ? RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE : RemovalPolicy.DESTROY,
          }),
        ),
        format: accessLog,
      },
    });

    this.logGroup = handlerLog(this, 'Log', profile, 'http');
    for (const [operation, route] of Object.entries(routes) as [OperationId, Route][]) {
      if (route.provider !== undefined && route.provider !== payments.provider) continue;
      const handler = new HandlerFunction(this, pascal(operation), {
        ...props.context,
        handler: route.handler,
        logGroup: this.logGroup,
        description: `${route.method} ${route.path}`,
        grants: grantsOf({ kind: 'http', row: route }, payments.provider),
        timeoutSeconds: route.waits ? longest : 10,
        // Told to one function alone, or every release would replace them all.
        ...(operation === 'get-health' ? { environment: { RELEASE: release } } : {}),
      });
      this.handlers.push(handler);
      const integration = new HttpLambdaIntegration(`${pascal(operation)}Integration`, handler.function);
      const { path } = route;
      const added =
        path === anythingElse
          ? [
              new apigw.HttpRoute(this, 'AnythingElse', {
                httpApi: this.api,
                routeKey: apigw.HttpRouteKey.DEFAULT,
                integration,
              }),
            ]
          : this.api.addRoutes({ path, methods: [apigw.HttpMethod[route.method]], integration });
      for (const one of added) {
        Validations.of(one).acknowledge({
          id: 'AwsSolutions-APIG4',
          reason: `The handler itself checks who calls (${route.auth}), so that revoking works at once and a request costs one invocation.`,
        });
      }
    }
  }
}

/** Nobody's address, agent or path (which holds ids): enough to tell what is slow or failing, and to find its logs. */
const accessLog = AccessLogFormat.custom(
  JSON.stringify({
    requestId: AccessLogField.contextRequestId(),
    time: AccessLogField.contextRequestTimeEpoch(),
    route: '$context.routeKey',
    status: AccessLogField.contextStatus(),
    milliseconds: AccessLogField.contextResponseLatency(),
    integrationMilliseconds: AccessLogField.contextIntegrationLatency(),
    bytes: AccessLogField.contextResponseLength(),
    error: '$context.error.message',
    integrationError: '$context.integrationErrorMessage',
  }),
);
