import { RemovalPolicy } from 'aws-cdk-lib';
import { AccessLogField, AccessLogFormat } from 'aws-cdk-lib/aws-apigateway';
import * as apigw from 'aws-cdk-lib/aws-apigatewayv2';
import * as acm from 'aws-cdk-lib/aws-certificatemanager';
import * as logs from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import type { Settings } from '../settings.ts';
import { handlerLog } from './handler-function.ts';
import { logGroupNameOf } from './names.ts';

/**
 * The HTTP API with no route: the stacks of the handlers add theirs (`HttpHandlers`). All these handlers write to one log
 * group, so that one subscription takes the records of accesses from it, and one query reads them.
 */
export class HttpApi extends Construct {
  readonly api: apigw.HttpApi;
  readonly handlersLog: logs.LogGroup;
  /** What the shop's own name must be an alias of; undefined without one. */
  readonly domain: apigw.DomainName | undefined;

  constructor(scope: Construct, id: string, { profile, brought }: Pick<Settings, 'profile' | 'brought'>) {
    super(scope, id);
    this.api = new apigw.HttpApi(this, 'Api', {
      apiName: `counterfoil-${profile.stage}`,
      createDefaultStage: false,
    });
    const stage = new apigw.HttpStage(this, 'Stage', {
      httpApi: this.api,
      stageName: '$default',
      autoDeploy: true,
      throttle: { rateLimit: profile.throttle.rate, burstLimit: profile.throttle.burst },
      accessLogSettings: {
        destination: new apigw.LogGroupLogDestination(
          new logs.LogGroup(this, 'AccessLog', {
            logGroupName: logGroupNameOf(profile.stage, 'access'),
            retention: profile.logDays,
            removalPolicy: profile.keeps ? RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE : RemovalPolicy.DESTROY,
          }),
        ),
        format: accessLog,
      },
    });
    this.domain = brought.domain && domainOf(this, brought.domain, { api: this.api, stage });
    this.handlersLog = handlerLog(this, 'Log', profile, 'http');
  }
}

/** The API under a name of the shop, whose certificate it has. The address that AWS gave stays, for the pipeline to look at. */
function domainOf(
  scope: Construct,
  { name, certificateArn }: { name: string; certificateArn: string },
  to: { api: apigw.HttpApi; stage: apigw.HttpStage },
): apigw.DomainName {
  const domainName = new apigw.DomainName(scope, 'Domain', {
    domainName: name,
    certificate: acm.Certificate.fromCertificateArn(scope, 'Certificate', certificateArn),
    securityPolicy: apigw.SecurityPolicy.TLS_1_2,
  });
  new apigw.ApiMapping(scope, 'Mapping', { domainName, ...to });
  return domainName;
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
