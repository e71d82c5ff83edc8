import { CfnOutput, Stack, type StackProps, Validations } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as kms from 'aws-cdk-lib/aws-kms';
import type { Construct } from 'constructs';
import { CatalogCdn } from '../constructs/catalog-cdn.ts';
import type { StageContext } from '../constructs/handler-function.ts';
import { HttpApi } from '../constructs/http-api.ts';
import { Migrations } from '../constructs/migrations.ts';

/**
 * What all contexts need: the migrations of a release, the HTTP API without its routes, and the policy by which functions
 * enter the network. It is deployed before any stack with handlers, so that no new code meets an old schema.
 */
export class PlatformStack extends Stack {
  readonly context: StageContext;
  readonly http: HttpApi;

  constructor(
    scope: Construct,
    id: string,
    props: StackProps & { context: Omit<StageContext, 'networkAccess'>; key: kms.IKey | undefined },
  ) {
    const { context, key, ...rest } = props;
    super(scope, id, rest);
    this.context = { ...context, networkAccess: networkAccess(this) };
    new Migrations(this, 'Migrations', this.context);
    this.http = new HttpApi(this, 'Http', context.settings);
    new CfnOutput(this, 'BaseUrl', { value: this.http.api.apiEndpoint });
    const { domain } = this.http;
    if (domain !== undefined) {
      new CfnOutput(this, 'DomainTarget', {
        // Not `domain.name`, which refers to the resource: CloudFormation takes plain text alone.
        description: `Make ${context.settings.brought.domain!.name} an alias of this, or a CNAME`,
        value: domain.regionalDomainName,
      });
    }
    const { profile, brought, catalogMaxAge } = context.settings;
    if (catalogMaxAge !== undefined) {
      new CatalogCdn(this, 'Catalog', {
        stage: profile.stage,
        api: this.http.api,
        maxAge: catalogMaxAge,
        key,
        domain: brought.catalogDomain,
      });
    }
  }
}

/** What Lambda needs to create the network interfaces of a function. AWS's managed policy would also allow all logs. */
function networkAccess(scope: Construct): iam.ManagedPolicy {
  const policy = new iam.ManagedPolicy(scope, 'NetworkAccess', {
    description: 'Lets Lambda put functions into the network',
    document: new iam.PolicyDocument({
      statements: [
        new iam.PolicyStatement({
          actions: [
            'ec2:CreateNetworkInterface',
            'ec2:DescribeNetworkInterfaces',
            'ec2:DescribeSubnets',
            'ec2:DeleteNetworkInterface',
            'ec2:AssignPrivateIpAddresses',
            'ec2:UnassignPrivateIpAddresses',
          ],
          resources: ['*'],
        }),
      ],
    }),
  });
  Validations.of(policy).acknowledge({
    id: 'AwsSolutions-IAM5[Resource::*]',
    reason: 'Lambda creates the interfaces, so their names are unknown; Lambda requires exactly these rights on "*".',
  });
  return policy;
}
