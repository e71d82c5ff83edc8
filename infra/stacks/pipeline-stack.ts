import { Aws, CfnOutput, Duration, Stack, type StackProps, Validations } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';

const issuer = 'token.actions.githubusercontent.com';

/** What `npm run preflight` asks an account besides the version of the bootstrap. All of it is read. */
export const preflightActions = [
  'ec2:DescribeAvailabilityZones',
  'ec2:DescribePrefixLists',
  'ec2:DescribeRouteTables',
  'ec2:DescribeSecurityGroups',
  'ec2:DescribeSubnets',
  'ec2:DescribeVpcAttribute',
  'ec2:DescribeVpcEndpointServices',
  'ec2:DescribeVpcs',
  'lambda:GetAccountSettings',
  'rds:DescribeOrderableDBInstanceOptions',
  'secretsmanager:DescribeSecret',
  'ses:GetAccount',
  'ses:GetEmailIdentity',
] as const;

/** What the release to a stage that sells asks before it deploys: whether an error budget is used up, or burns. */
export const budgetActions = ['cloudwatch:DescribeAlarms', 'cloudwatch:GetMetricData'] as const;

export type PipelineProps = StackProps & {
  /** `owner/name` on GitHub. */
  repository: string;
  stage: 'staging' | 'prod';
  /** GitHub's identity provider, if the account has it already: it can have only one. */
  providerArn?: string;
};

/**
 * The roles that GitHub's workflow takes for a stage, without a long-lived key. One plans: it reads templates and what preflight
 * asks. One releases: it takes the roles of CDK's bootstrap that publish and deploy, and for `prod` reads the error budgets. Each is bound to the repository and to an
 * environment of it, whose rules say who approves.
 */
export class PipelineStack extends Stack {
  constructor(scope: Construct, id: string, { repository, stage, providerArn, ...props }: PipelineProps) {
    super(scope, id, props);
    const provider =
      providerArn ??
      new iam.OidcProviderNative(this, 'GitHub', { url: `https://${issuer}`, clientIds: ['sts.amazonaws.com'] })
        .oidcProviderArn;
    const role = (name: string, environment: string, statements: iam.PolicyStatement[]): iam.Role => {
      const conditions = {
        StringEquals: {
          [`${issuer}:aud`]: 'sts.amazonaws.com',
          [`${issuer}:sub`]: `repo:${repository}:environment:${environment}`,
        },
      };
      const made = new iam.Role(this, name, {
        roleName: `counterfoil-${stage}-${name.toLowerCase()}`,
        description: `Counterfoil: ${repository} in its environment ${environment}`,
        assumedBy: new iam.WebIdentityPrincipal(provider, conditions),
        maxSessionDuration: Duration.hours(2),
        inlinePolicies: { [name]: new iam.PolicyDocument({ statements }) },
      });
      new CfnOutput(this, `${name}Role`, { value: made.roleArn });
      return made;
    };
    const bootstrap = (...roles: string[]) =>
      new iam.PolicyStatement({
        actions: ['sts:AssumeRole'],
        resources: roles.map(
          (each) =>
            `arn:${Aws.PARTITION}:iam::${Aws.ACCOUNT_ID}:role/cdk-hnb659fds-${each}-role-${Aws.ACCOUNT_ID}-${Aws.REGION}`,
        ),
      });
    const plan = role('Plan', `${stage}-plan`, [
      bootstrap('lookup'),
      new iam.PolicyStatement({ actions: [...preflightActions], resources: ['*'] }),
      new iam.PolicyStatement({
        actions: ['ssm:GetParameter'],
        resources: [
          `arn:${Aws.PARTITION}:ssm:${Aws.REGION}:${Aws.ACCOUNT_ID}:parameter/cdk-bootstrap/hnb659fds/version`,
        ],
      }),
    ]);
    const release = role('Release', stage, [
      bootstrap('lookup', 'file-publishing', 'deploy'),
      ...(stage === 'prod' ? [new iam.PolicyStatement({ actions: [...budgetActions], resources: ['*'] })] : []),
    ]);
    Validations.of(release).acknowledge({
      id: 'AwsSolutions-IAM5[Resource::*]',
      reason: 'CloudWatch has no resources to name for metrics, and lists of alarms are of the account.',
    });
    Validations.of(plan).acknowledge({
      id: 'AwsSolutions-IAM5[Resource::*]',
      reason:
        'Preflight describes the account: most of these actions have no resource, and the others read no content.',
    });
  }
}
