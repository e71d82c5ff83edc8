import { Validations } from 'aws-cdk-lib';
import * as apigw from 'aws-cdk-lib/aws-apigatewayv2';
import * as iam from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';

/** The role by which an HTTP API invokes functions, and nothing else. */
export const callerOf = (scope: Construct, id: string, functionArns: string[]): iam.Role =>
  new iam.Role(scope, id, {
    description: 'What the HTTP API may do: invoke the functions of its routes',
    assumedBy: new iam.ServicePrincipal('apigateway.amazonaws.com'),
    inlinePolicies: {
      invoke: new iam.PolicyDocument({
        statements: [new iam.PolicyStatement({ actions: ['lambda:InvokeFunction'], resources: functionArns })],
      }),
    },
  });

export type HttpPath = {
  /** Of the API, which may be of another stack. */
  apiId: string;
  /** `GET /orders`, or `$default`. */
  routeKey: string;
  functionArn: string;
  caller: iam.Role;
  /** Why no authorizer stands before it. */
  reason: string;
};

/** Has an HTTP API call a function for a path. `id` is what the names of both parts begin with. */
export function addPath(
  scope: Construct,
  id: string,
  { apiId, routeKey, functionArn, caller, reason }: HttpPath,
): void {
  const integration = new apigw.CfnIntegration(scope, `${id}Integration`, {
    apiId,
    integrationType: 'AWS_PROXY',
    integrationUri: functionArn,
    credentialsArn: caller.roleArn,
    payloadFormatVersion: '2.0',
  });
  const route = new apigw.CfnRoute(scope, `${id}Route`, {
    apiId,
    routeKey,
    target: `integrations/${integration.ref}`,
    authorizationType: 'NONE',
  });
  Validations.of(route).acknowledge({ id: 'AwsSolutions-APIG4', reason });
}
