import { CfnOutput, Duration, RemovalPolicy, Stack, Validations } from 'aws-cdk-lib';
import type * as apigw from 'aws-cdk-lib/aws-apigatewayv2';
import * as acm from 'aws-cdk-lib/aws-certificatemanager';
import * as cloudfront from 'aws-cdk-lib/aws-cloudfront';
import { HttpOrigin } from 'aws-cdk-lib/aws-cloudfront-origins';
import type * as kms from 'aws-cdk-lib/aws-kms';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import type { Domain } from '../settings-brought.ts';
import { edgeKeyNameOf, edgeKeyOf } from './names.ts';

/** The paths that it serves. */
const paths = ['/products', '/products/prd_*', '/categories'];

/**
 * A CDN in front of the API for reads of the catalogue. It serves what the API marks as public for as long as the API says,
 * `maxAge` seconds at most, and asks the API for everything else.
 */
export class CatalogCdn extends Construct {
  constructor(
    scope: Construct,
    id: string,
    {
      stage,
      api,
      maxAge,
      key,
      domain,
    }: {
      stage: string;
      api: Pick<apigw.IHttpApi, 'apiId'>;
      maxAge: number;
      key: kms.IKey | undefined;
      domain: Domain | undefined;
    },
  ) {
    super(scope, id);
    const secret = this.edgeKey(stage, key);
    const reads = this.behaviour(stage, api, maxAge);
    const distribution = new cloudfront.Distribution(this, 'Distribution', {
      comment: `Counterfoil ${stage}: reads of the catalogue, up to ${maxAge} s old`,
      defaultBehavior: { ...reads, functionAssociations: [this.refusal(stage)] },
      additionalBehaviors: Object.fromEntries(paths.map((path) => [path, reads])),
      ...(domain === undefined
        ? {}
        : {
            domainNames: [domain.name],
            certificate: acm.Certificate.fromCertificateArn(this, 'Certificate', domain.certificateArn),
            minimumProtocolVersion: cloudfront.SecurityPolicyProtocol.TLS_V1_2_2021,
          }),
      httpVersion: cloudfront.HttpVersion.HTTP2_AND_3,
      // CloudFront would keep these for ten seconds, whatever the API says.
      errorResponses: [404, 405, 414, 500, 501, 502, 503, 504].map((httpStatus) => ({
        httpStatus,
        ttl: Duration.seconds(0),
      })),
    });
    // CloudFormation puts the key in when it deploys; the template names it only.
    distribution.node.addDependency(secret);
    const { distributionDomainName } = distribution;
    new CfnOutput(Stack.of(this), 'CatalogUrl', { value: `https://${domain?.name ?? distributionDomainName}` });
    if (domain !== undefined) {
      new CfnOutput(Stack.of(this), 'CatalogTarget', {
        description: `Make ${domain.name} an alias of this, or a CNAME`,
        value: distributionDomainName,
      });
    }
    for (const [rule, reason] of Object.entries(accepted)) {
      Validations.of(distribution).acknowledge({ id: `AwsSolutions-${rule}`, reason });
    }
  }

  private edgeKey(stage: string, key: kms.IKey | undefined): secretsmanager.Secret {
    const secret = new secretsmanager.Secret(this, 'EdgeKey', {
      secretName: edgeKeyNameOf(stage),
      description: 'By which the CDN proves to the API that a request comes from it',
      generateSecretString: { passwordLength: 48, excludePunctuation: true },
      // A new one can be made at any time.
      removalPolicy: RemovalPolicy.DESTROY,
      ...(key === undefined ? {} : { encryptionKey: key }),
    });
    Validations.of(secret).acknowledge({
      id: 'AwsSolutions-SMG4',
      reason:
        'It lets its owner choose the address that limits count, and nothing else. docs/data.md says how to change it.',
    });
    return secret;
  }

  private behaviour(stage: string, api: Pick<apigw.IHttpApi, 'apiId'>, maxAge: number): cloudfront.BehaviorOptions {
    const { region } = Stack.of(this);
    return {
      origin: new HttpOrigin(`${api.apiId}.execute-api.${region}.amazonaws.com`, {
        protocolPolicy: cloudfront.OriginProtocolPolicy.HTTPS_ONLY,
        originSslProtocols: [cloudfront.OriginSslPolicy.TLS_V1_2],
        customHeaders: { 'Counterfoil-Edge-Key': edgeKeyOf(stage) },
      }),
      viewerProtocolPolicy: cloudfront.ViewerProtocolPolicy.HTTPS_ONLY,
      // Pages send a preflight request.
      allowedMethods: cloudfront.AllowedMethods.ALLOW_GET_HEAD_OPTIONS,
      cachedMethods: cloudfront.CachedMethods.CACHE_GET_HEAD,
      compress: true,
      cachePolicy: new cloudfront.CachePolicy(this, 'ByCaller', {
        cachePolicyName: `counterfoil-${stage}-catalog`,
        // What the API does not allow to be kept is not kept.
        minTtl: Duration.seconds(0),
        defaultTtl: Duration.seconds(0),
        maxTtl: Duration.seconds(maxAge),
        // As the API's own `Vary` says.
        headerBehavior: cloudfront.CacheHeaderBehavior.allowList('Authorization', 'Client-Id', 'Origin'),
        queryStringBehavior: cloudfront.CacheQueryStringBehavior.all(),
        enableAcceptEncodingGzip: true,
        enableAcceptEncodingBrotli: true,
      }),
      originRequestPolicy: new cloudfront.OriginRequestPolicy(this, 'WithAddress', {
        originRequestPolicyName: `counterfoil-${stage}-catalog`,
        headerBehavior: cloudfront.OriginRequestHeaderBehavior.allowList(
          'CloudFront-Viewer-Address',
          'X-Request-Id',
          'Access-Control-Request-Method',
          'Access-Control-Request-Headers',
        ),
      }),
    };
  }

  /** Every other path belongs to the API itself. */
  private refusal(stage: string): cloudfront.FunctionAssociation {
    return {
      eventType: cloudfront.FunctionEventType.VIEWER_REQUEST,
      function: new cloudfront.Function(this, 'Refusal', {
        functionName: `counterfoil-${stage}-catalog-only`,
        runtime: cloudfront.FunctionRuntime.JS_2_0,
        code: cloudfront.FunctionCode.fromInline(
          `function handler() { return { statusCode: 404, statusDescription: 'Not Found' }; }`,
        ),
      }),
    };
  }
}

/** Rules of cdk-nag that do not fit. */
const accepted = {
  CFR1: 'The catalogue is for every country that the shop sells to.',
  CFR2: 'It serves public data alone. The API behind it limits requests by the address of the client.',
  CFR3: 'Requests that the API answers are in its logs. Those for public data that it does not see are counted only.',
  CFR4: 'A distribution under cloudfront.net has the certificate of AWS, whose oldest protocol cannot be chosen.',
};
