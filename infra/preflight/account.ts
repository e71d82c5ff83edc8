import {
  DescribeAvailabilityZonesCommand,
  DescribePrefixListsCommand,
  DescribeRouteTablesCommand,
  DescribeSecurityGroupsCommand,
  DescribeSubnetsCommand,
  DescribeVpcAttributeCommand,
  DescribeVpcEndpointServicesCommand,
  DescribeVpcsCommand,
  EC2Client,
  type Route,
  type VpcAttributeName,
} from '@aws-sdk/client-ec2';
import { GetAccountSettingsCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { paginateDescribeOrderableDBInstanceOptions, RDSClient } from '@aws-sdk/client-rds';
import { DescribeSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { GetAccountCommand, GetEmailIdentityCommand, SESv2Client } from '@aws-sdk/client-sesv2';
import { GetParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';

/** What the checks ask an AWS account. Everything is read, nothing is changed. */
export type Account = {
  identity(): Promise<{ account: string; region: string }>;
  /** The version of CDK's bootstrap stack; undefined when there is none. */
  bootstrapVersion(): Promise<number | undefined>;
  /** The zones of the region that are open to the account. */
  zones(): Promise<string[]>;
  /** The zones in which an engine version runs as Aurora Serverless v2; none when the region does not have it. */
  databaseZones(engineVersion: string): Promise<string[]>;
  /** The zones that have an interface endpoint of a service; none when the region has no such endpoint. */
  endpointZones(service: string): Promise<string[]>;
  /** The prefix list of DynamoDB's gateway endpoint. */
  dynamodbPrefixList(): Promise<string | undefined>;
  vpcs(): Promise<number>;
  /** A network that the shop has; undefined when it does not exist. */
  network(vpcId: string): Promise<FoundNetwork | undefined>;
  /** Concurrent runs of functions: the account's limit, and what of it is not reserved. */
  concurrency(): Promise<{ limit: number; unreserved: number }>;
  mail(): Promise<{ production: boolean; sending: boolean }>;
  /** Whether mails may be sent from an address or a domain; undefined when SES does not know it. */
  isVerified(identity: string): Promise<boolean | undefined>;
  /** Whether a secret exists. */
  hasSecret(arn: string): Promise<boolean>;
};

export type FoundNetwork = {
  /** Whether its resources have names, and find those of others. */
  dns: boolean;
  /** The zone of each subnet. */
  subnets: Readonly<Record<string, string>>;
  /** Whether a route table leads out of the network, to the internet or another one. */
  routeTables: Readonly<Record<string, boolean>>;
  groups: readonly string[];
};

/** The account that the credentials of the environment belong to, in `AWS_REGION`. */
export function awsAccount(): Account {
  const [sts, ssm, ec2, rds] = [new STSClient(), new SSMClient(), new EC2Client(), new RDSClient()];
  const [lambda, ses, secrets] = [new LambdaClient(), new SESv2Client(), new SecretsManagerClient()];
  return {
    async identity() {
      const { Account } = await sts.send(new GetCallerIdentityCommand());
      return { account: Account!, region: await sts.config.region() };
    },
    async bootstrapVersion() {
      const read = ssm.send(new GetParameterCommand({ Name: '/cdk-bootstrap/hnb659fds/version' }));
      return Number((await unless('ParameterNotFound', read))?.Parameter?.Value) || undefined;
    },
    async zones() {
      const filter = { Name: 'zone-type', Values: ['availability-zone'] };
      const { AvailabilityZones = [] } = await ec2.send(new DescribeAvailabilityZonesCommand({ Filters: [filter] }));
      return AvailabilityZones.filter(({ State }) => State === 'available').map(({ ZoneName }) => ZoneName!);
    },
    async databaseZones(EngineVersion) {
      const input = { Engine: 'aurora-postgresql', EngineVersion, DBInstanceClass: 'db.serverless', Vpc: true };
      const zones = new Set<string>();
      try {
        for await (const page of paginateDescribeOrderableDBInstanceOptions({ client: rds }, input)) {
          for (const { AvailabilityZones = [] } of page.OrderableDBInstanceOptions ?? []) {
            for (const { Name } of AvailabilityZones) zones.add(Name!);
          }
        }
      } catch (error) {
        // A version that RDS has never heard of.
        if ((error as Error).name !== 'InvalidParameterCombination') throw error;
      }
      return [...zones].toSorted();
    },
    async endpointZones(service) {
      const names = { ServiceNames: [`com.amazonaws.${await ec2.config.region()}.${service}`] };
      const found = await unless('InvalidServiceName', ec2.send(new DescribeVpcEndpointServicesCommand(names)));
      return found?.ServiceDetails?.flatMap(({ AvailabilityZones = [] }) => AvailabilityZones) ?? [];
    },
    async dynamodbPrefixList() {
      const name = `com.amazonaws.${await ec2.config.region()}.dynamodb`;
      const filter = { Name: 'prefix-list-name', Values: [name] };
      const { PrefixLists = [] } = await ec2.send(new DescribePrefixListsCommand({ Filters: [filter] }));
      return PrefixLists[0]?.PrefixListId;
    },
    vpcs: async () => (await ec2.send(new DescribeVpcsCommand())).Vpcs?.length ?? 0,
    async network(vpcId) {
      const known = await unless('InvalidVpcID.NotFound', ec2.send(new DescribeVpcsCommand({ VpcIds: [vpcId] })));
      if (known === undefined) return undefined;
      const Filters = [{ Name: 'vpc-id', Values: [vpcId] }];
      const attribute = (Attribute: VpcAttributeName) =>
        ec2.send(new DescribeVpcAttributeCommand({ VpcId: vpcId, Attribute }));
      const [support, hostnames, { Subnets = [] }, { RouteTables = [] }, { SecurityGroups = [] }] = await Promise.all([
        attribute('enableDnsSupport'),
        attribute('enableDnsHostnames'),
        ec2.send(new DescribeSubnetsCommand({ Filters })),
        ec2.send(new DescribeRouteTablesCommand({ Filters })),
        ec2.send(new DescribeSecurityGroupsCommand({ Filters })),
      ]);
      return {
        dns: support.EnableDnsSupport?.Value === true && hostnames.EnableDnsHostnames?.Value === true,
        subnets: Object.fromEntries(Subnets.map(({ SubnetId, AvailabilityZone }) => [SubnetId!, AvailabilityZone!])),
        routeTables: Object.fromEntries(
          RouteTables.map(({ RouteTableId, Routes = [] }) => [RouteTableId!, Routes.some(leadsOut)]),
        ),
        groups: SecurityGroups.map(({ GroupId }) => GroupId!),
      };
    },
    async concurrency() {
      const { AccountLimit } = await lambda.send(new GetAccountSettingsCommand());
      return {
        limit: AccountLimit!.ConcurrentExecutions!,
        unreserved: AccountLimit!.UnreservedConcurrentExecutions!,
      };
    },
    async mail() {
      const { ProductionAccessEnabled, SendingEnabled } = await ses.send(new GetAccountCommand());
      return { production: ProductionAccessEnabled === true, sending: SendingEnabled === true };
    },
    async isVerified(EmailIdentity) {
      const found = await unless('NotFoundException', ses.send(new GetEmailIdentityCommand({ EmailIdentity })));
      return found?.VerifiedForSendingStatus;
    },
    async hasSecret(SecretId) {
      return (
        (await unless('ResourceNotFoundException', secrets.send(new DescribeSecretCommand({ SecretId })))) !== undefined
      );
    },
  };
}

/** Within the network, and to gateway endpoints of AWS, is not out. */
const leadsOut = ({ GatewayId, DestinationPrefixListId }: Route): boolean =>
  GatewayId !== 'local' && DestinationPrefixListId === undefined;

/** The answer; undefined when it fails with this error. */
const unless = <T>(name: string, answer: Promise<T>): Promise<T | undefined> =>
  answer.catch((error: Error) => {
    if (error.name === name) return undefined;
    throw error;
  });
