import { RemovalPolicy, Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as logs from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import type { Profile } from '../profiles.ts';
import type { Settings } from '../settings.ts';
import { type Brought, defaultPort } from '../settings-brought.ts';

/**
 * A network with no way out: isolated subnets, DynamoDB and S3 by gateway endpoints, Step Functions, EventBridge, Athena and SES by
 * interface endpoints. An endpoint leads to resources of this account alone. Security groups name each other; the one rule on an
 * address range is for the gateway endpoints.
 */
export class Network extends Construct {
  readonly vpc: ec2.IVpc;
  readonly subnets: ec2.SubnetSelection = { subnetType: ec2.SubnetType.PRIVATE_ISOLATED };
  /** The security group of functions that reach the database. */
  readonly handlers: ec2.SecurityGroup;
  readonly proxy: ec2.SecurityGroup;
  /** The group of the database, the stage's or the shop's; binding the proxy to the cluster adds its rules. */
  readonly database: ec2.ISecurityGroup;

  constructor(
    scope: Construct,
    id: string,
    settings: Pick<Settings, 'profile' | 'mail' | 'dynamodbPrefixList' | 's3PrefixList' | 'brought'>,
  ) {
    super(scope, id);
    const { profile, mail, dynamodbPrefixList, s3PrefixList, brought } = settings;
    const vpc = brought.network === undefined ? ownVpc(this, profile) : broughtVpc(this, brought.network);
    this.vpc = vpc;

    this.handlers = this.group('Handlers', 'functions that reach the database');
    this.proxy = this.group('Proxy', 'RDS Proxy');
    this.database =
      brought.database === undefined
        ? this.group('Database', 'Aurora')
        : ec2.SecurityGroup.fromSecurityGroupId(this, 'Database', brought.database.group);
    const endpointGroup = brought.network?.endpointGroup;
    const endpoints =
      endpointGroup === undefined
        ? this.group('Endpoints', 'interface endpoints')
        : ec2.SecurityGroup.fromSecurityGroupId(this, 'Endpoints', endpointGroup);

    if (profile.proxy) join(this.handlers, this.proxy, defaultPort, 'functions to proxy');
    else join(this.handlers, this.database, brought.database?.port ?? defaultPort, 'functions to database');
    join(this.handlers, endpoints, 443, 'functions to interface endpoints');
    // A gateway endpoint has no security group, but a prefix list, whose id differs by region and which CloudFormation
    // cannot look up. Without it, the route table alone is the limit: the network has no other way out.
    const dynamo = dynamodbPrefixList === undefined ? ec2.Peer.anyIpv4() : ec2.Peer.prefixList(dynamodbPrefixList);
    this.handlers.addEgressRule(dynamo, ec2.Port.tcp(443), 'DynamoDB by its gateway endpoint');

    const s3 = s3PrefixList === undefined ? ec2.Peer.anyIpv4() : ec2.Peer.prefixList(s3PrefixList);
    // Otherwise the rule for DynamoDB is as wide.
    if (dynamodbPrefixList !== undefined && (s3PrefixList !== undefined || profile.warehouse)) {
      this.handlers.addEgressRule(s3, ec2.Port.tcp(443), 'S3 by its gateway endpoint');
    }
    // The shop's network may have its endpoints already: two of one service cannot have the same name.
    if (endpointGroup !== undefined) return;
    vpc
      .addGatewayEndpoint('DynamoDb', { service: ec2.GatewayVpcEndpointAwsService.DYNAMODB })
      .addToPolicy(ownAccountOnly(this, 'dynamodb'));
    vpc
      .addGatewayEndpoint('S3', { service: ec2.GatewayVpcEndpointAwsService.S3 })
      .addToPolicy(ownAccountOnly(this, 's3'));
    const reach = (id: string, name: string, service: ec2.InterfaceVpcEndpointAwsService) =>
      vpc
        .addInterfaceEndpoint(id, {
          service,
          subnets: { ...this.subnets, availabilityZones: vpc.availabilityZones.slice(0, profile.endpointZones) },
          securityGroups: [endpoints],
          open: false,
        })
        .addToPolicy(ownAccountOnly(this, name));
    reach('StepFunctions', 'states', ec2.InterfaceVpcEndpointAwsService.STEP_FUNCTIONS);
    reach('EventBridge', 'events', ec2.InterfaceVpcEndpointAwsService.EVENTBRIDGE);
    if (profile.warehouse) reach('Athena', 'athena', ec2.InterfaceVpcEndpointAwsService.ATHENA);
    if (brought.database !== undefined && 'secretArn' in brought.database.login)
      reach('Secrets', 'secretsmanager', ec2.InterfaceVpcEndpointAwsService.SECRETS_MANAGER);
    // The API of SES, not its SMTP interface. It costs by the hour, so it exists only where mails are sent.
    if (mail !== undefined) reach('Mail', 'ses', ec2.InterfaceVpcEndpointAwsService.EMAIL);
  }

  private group(id: string, description: string): ec2.SecurityGroup {
    return new ec2.SecurityGroup(this, id, { vpc: this.vpc, description, allowAllOutbound: false });
  }
}

/** A network of the stage's own, which nothing leads out of. */
function ownVpc(scope: Construct, profile: Profile): ec2.IVpc {
  const vpc = new ec2.Vpc(scope, 'Vpc', {
    ...(profile.zoneNames === undefined
      ? { maxAzs: profile.zones }
      : { availabilityZones: profile.zoneNames.slice(0, profile.zones) }),
    natGateways: 0,
    createInternetGateway: false,
    // Nothing uses the default group. CDK would empty it by a function with wider rights.
    restrictDefaultSecurityGroup: false,
    subnetConfiguration: [{ name: 'Isolated', subnetType: ec2.SubnetType.PRIVATE_ISOLATED, cidrMask: 22 }],
    flowLogs: {
      Rejected: {
        trafficType: ec2.FlowLogTrafficType.REJECT,
        destination: ec2.FlowLogDestination.toCloudWatchLogs(
          new logs.LogGroup(scope, 'RejectedTraffic', {
            retention: profile.logDays,
            removalPolicy: profile.keeps ? RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE : RemovalPolicy.DESTROY,
          }),
        ),
      },
    },
  });
  // In the strictest mode of TypeScript, CDK's class does not fit its own interface.
  return vpc as ec2.IVpc;
}

/** The shop's own network, as it says that it is: synthesis asks AWS nothing. */
const broughtVpc = (scope: Construct, { vpcId, subnets }: NonNullable<Brought['network']>): ec2.IVpc =>
  ec2.Vpc.fromVpcAttributes(scope, 'Vpc', {
    vpcId,
    availabilityZones: subnets.map(({ zone }) => zone),
    isolatedSubnetIds: subnets.map(({ id }) => id),
    isolatedSubnetRouteTableIds: subnets.map(({ routeTable }) => routeTable),
  });

/** What a stolen credential of another account could be used for from inside: nothing. */
const ownAccountOnly = (scope: Construct, service: string) =>
  new iam.PolicyStatement({
    principals: [new iam.AnyPrincipal()],
    actions: [`${service}:*`],
    resources: ['*'],
    // Calls that name no resource, such as SendTaskSuccess with its token, may come without this key.
    conditions: { StringEqualsIfExists: { 'aws:ResourceAccount': Stack.of(scope).account } },
  });

function join(from: ec2.SecurityGroup, to: ec2.ISecurityGroup, port: number, description: string): void {
  to.addIngressRule(from, ec2.Port.tcp(port), description);
  from.addEgressRule(to, ec2.Port.tcp(port), description);
}
