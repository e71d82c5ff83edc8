import { RemovalPolicy } from 'aws-cdk-lib';
import { AccessLogField, AccessLogFormat } from 'aws-cdk-lib/aws-apigateway';
import * as apigw from 'aws-cdk-lib/aws-apigatewayv2';
import * as logs from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import type { Profile } from '../profiles.ts';
import { handlerLog } from './handler-function.ts';
import { logGroupNameOf } from './names.ts';

/**
 * The HTTP API with no route: the stacks of the handlers add theirs (`HttpHandlers`). All these handlers write to one log
 * group, so that one subscription takes the records of accesses from it, and one query reads them.
 */
export class HttpApi extends Construct {
  readonly api: apigw.HttpApi;
  readonly handlersLog: logs.LogGroup;

  constructor(scope: Construct, id: string, { profile }: { profile: Profile }) {
    super(scope, id);
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
            logGroupName: logGroupNameOf(profile.name, 'access'),
            retention: profile.logDays,
            removalPolicy: profile.keeps ? RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE : RemovalPolicy.DESTROY,
          }),
        ),
        format: accessLog,
      },
    });
    this.handlersLog = handlerLog(this, 'Log', profile, 'http');
  }
}

/** Without the address, user agent or path (which holds ids) of a request: enough to find what is slow or fails. */
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
