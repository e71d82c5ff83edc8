import { ArnFormat, Duration, Fn, RemovalPolicy, Stack, Validations } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as kms from 'aws-cdk-lib/aws-kms';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as rds from 'aws-cdk-lib/aws-rds';
import * as ssm from 'aws-cdk-lib/aws-ssm';
import { Construct } from 'constructs';
import { type DatabaseRole, databaseRoles } from '../../lib/contract/deploy/roles.ts';
import type { Profile } from '../profiles.ts';
import { readerHostNameOf, readerNameOf } from './names.ts';
import type { Network } from './network.ts';

const databaseName = 'counterfoil';
const version = rds.AuroraPostgresEngineVersion.VER_18_4;

/** Of Aurora PostgreSQL. */
export const engineVersion = version.auroraPostgresFullVersion;

/** What a stage needs to know of its database, its own or one that the shop has. */
export type StageDatabase = {
  /** What functions connect to. */
  host: string;
  /** Environment variables by which a function finds the database, and its readers. */
  environment: Record<string, string>;
  readerEnvironment: Record<string, string>;
  /** What lets a function log in as a role. */
  login(role: DatabaseRole): { action: string; resource: string };
  /** What the function of the migrations has besides. */
  migrating: { environment: Record<string, string>; statements: iam.PolicyStatement[] } | undefined;
  /** What the stage itself has of it. */
  cluster: rds.DatabaseCluster | undefined;
  proxy: rds.DatabaseProxy | undefined;
  reader: rds.DatabaseProxyEndpoint | undefined;
};

/**
 * Aurora PostgreSQL behind RDS Proxy, with IAM from function to proxy and from proxy to database. No password exists, not
 * even for the master user `migrator`.
 */
export class Database extends Construct implements StageDatabase {
  readonly migrating = undefined;
  readonly #stage: string;
  readonly cluster: rds.DatabaseCluster;
  /** Undefined in a profile without one, whose functions connect to the cluster itself. */
  readonly proxy: rds.DatabaseProxy | undefined;
  /** The proxy's way to the readers; undefined where there is none, because it would refuse everybody. */
  readonly reader: rds.DatabaseProxyEndpoint | undefined;

  constructor(
    scope: Construct,
    id: string,
    { profile, network, key }: { profile: Profile; network: Network; key: kms.IKey | undefined },
  ) {
    super(scope, id);
    // PostgreSQL and the proxy log to groups named after them. Known names let us create these groups with a retention.
    const name = `counterfoil-${profile.stage}`;
    const kept = profile.keeps ? RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE : RemovalPolicy.DESTROY;
    const engine = rds.DatabaseClusterEngine.auroraPostgres({ version });
    const log = (logId: string, logGroupName: string) =>
      new logs.LogGroup(this, logId, { logGroupName, retention: profile.logDays, removalPolicy: kept });

    const insights = {
      enablePerformanceInsights: true,
      ...(key === undefined ? {} : { performanceInsightEncryptionKey: key }),
    };
    // Minor versions are raised here, so that the code says what runs.
    const instance = { ...insights, autoMinorVersionUpgrade: false };

    this.cluster = new rds.DatabaseCluster(this, 'Cluster', {
      engine,
      clusterIdentifier: name,
      defaultDatabaseName: databaseName,
      writer: rds.ClusterInstance.serverlessV2('Writer', instance),
      readers: Array.from({ length: profile.readers }, (_, index) =>
        rds.ClusterInstance.serverlessV2(`Reader${index + 1}`, {
          ...instance,
          instanceIdentifier: readerNameOf(profile.stage, index + 1),
          scaleWithWriter: true,
        }),
      ),
      serverlessV2MinCapacity: profile.capacity.min,
      serverlessV2MaxCapacity: profile.capacity.max,
      ...(profile.capacity.min === 0 ? { serverlessV2AutoPauseDuration: Duration.minutes(5) } : {}),
      vpc: network.vpc,
      vpcSubnets: network.subnets,
      securityGroups: [network.database],
      parameterGroup: new rds.ParameterGroup(this, 'Parameters', {
        engine,
        description: `Cluster parameters of ${name}`,
        parameters: {
          'rds.force_ssl': '1',
          log_min_duration_statement: '500',
          log_lock_waits: '1',
          log_temp_files: '0',
          // The values of statements are customers' data.
          log_parameter_max_length: '0',
          log_parameter_max_length_on_error: '0',
        },
      }),
      credentials: rds.Credentials.fromUsername('migrator' satisfies DatabaseRole),
      manageMasterUserPassword: true,
      iamAuthentication: true,
      storageEncrypted: true,
      ...(key === undefined ? {} : { storageEncryptionKey: key }),
      backup: { retention: Duration.days(profile.backupDays), preferredWindow: '02:00-03:00' },
      preferredMaintenanceWindow: 'sun:03:30-sun:04:30',
      copyTagsToSnapshot: true,
      deletionProtection: profile.keeps,
      removalPolicy: kept,
      ...insights,
      cloudwatchLogsExports: ['postgresql'],
    });
    this.withoutPassword();
    this.cluster.node.addDependency(log('ClusterLog', `/aws/rds/cluster/${name}/postgresql`));

    const proxy = profile.proxy ? this.addProxy(name, network, log) : undefined;
    this.proxy = proxy;
    this.reader =
      proxy === undefined || profile.readers === 0
        ? undefined
        : new rds.DatabaseProxyEndpoint(this, 'Reader', {
            dbProxyEndpointName: `${name}-reader`,
            dbProxy: proxy,
            vpc: network.vpc,
            vpcSubnets: network.subnets,
            securityGroups: [network.proxy],
            targetRole: rds.ProxyEndpointTargetRole.READ_ONLY,
          });

    this.#stage = profile.stage;
    if (this.reader !== undefined) {
      new ssm.StringParameter(this, 'ReaderHost', {
        parameterName: readerHostNameOf(profile.stage),
        description: `What functions of ${name} reach its readers by`,
        stringValue: this.reader.endpoint,
      });
    }

    Validations.of(this).acknowledge({
      id: 'AwsSolutions-RDS11',
      reason: 'Security groups let only the proxy, or the functions, reach port 5432; another port would hide nothing.',
    });
    if (!profile.keeps) {
      Validations.of(this).acknowledge({
        id: 'AwsSolutions-RDS10',
        reason: 'A dev stage holds nothing worth keeping, and cdk destroy must delete it.',
      });
    }
  }

  private addProxy(
    name: string,
    network: Network,
    log: (logId: string, logGroupName: string) => logs.LogGroup,
  ): rds.DatabaseProxy {
    const role = new iam.Role(this, 'ProxyRole', {
      description: `What RDS Proxy of ${name} may do: log in to the database as each login role`,
      assumedBy: new iam.ServicePrincipal('rds.amazonaws.com'),
      inlinePolicies: {
        // CDK adds no policy for IAM_AUTH; without one the database refuses the proxy.
        connect: new iam.PolicyDocument({
          statements: [
            new iam.PolicyStatement({
              actions: ['rds-db:connect'],
              resources: databaseRoles.map((user) => this.userArn(this.cluster.clusterResourceIdentifier, user)),
            }),
          ],
        }),
      },
    });
    const proxy = new rds.DatabaseProxy(this, 'Proxy', {
      dbProxyName: name,
      proxyTarget: rds.ProxyTarget.fromCluster(this.cluster),
      defaultAuthScheme: rds.DefaultAuthScheme.IAM_AUTH,
      role,
      vpc: network.vpc,
      vpcSubnets: network.subnets,
      securityGroups: [network.proxy],
      requireTLS: true,
      borrowTimeout: Duration.seconds(3),
      // Longer than the driver of a function keeps an idle connection: what is older belongs to no function.
      idleClientTimeout: Duration.minutes(15),
      maxConnectionsPercent: 90,
      maxIdleConnectionsPercent: 20,
    });
    proxy.node.addDependency(log('ProxyLog', `/aws/rds/proxy/${name}`));
    return proxy;
  }

  /** Environment variables by which a function finds the database. */
  get environment(): Record<string, string> {
    return {
      DATABASE_HOST: this.host,
      DATABASE_NAME: databaseName,
      // The cluster's own certificate is of RDS's authority, which Node.js does not know and Lambda has a file of.
      ...(this.proxy === undefined ? { NODE_EXTRA_CA_CERTS: '/var/runtime/ca-cert.pem' } : {}),
    };
  }

  /** What functions connect to. */
  get host(): string {
    return this.proxy?.endpoint ?? this.cluster.clusterEndpoint.hostname;
  }

  /** The variables of a function that reads from the readers. */
  get readerEnvironment(): Record<string, string> {
    if (this.reader === undefined) return {};
    return { DATABASE_READER_HOST: `{{resolve:ssm:${readerHostNameOf(this.#stage)}}}` };
  }

  /** A client of the proxy, or of the cluster, logs in by IAM. */
  login(role: DatabaseRole): { action: string; resource: string } {
    const { proxy, cluster } = this;
    const resource = this.userArn(
      proxy === undefined ? cluster.clusterResourceIdentifier : Fn.select(6, Fn.split(':', proxy.dbProxyArn)),
      role,
    );
    return { action: 'rds-db:connect', resource };
  }

  private userArn(resource: string, role: DatabaseRole): string {
    return Stack.of(this).formatArn({
      service: 'rds-db',
      resource: 'dbuser',
      resourceName: `${resource}/${role}`,
      arnFormat: ArnFormat.COLON_RESOURCE_NAME,
    });
  }

  /** CDK's construct only knows master users with passwords; CloudFormation also takes one that logs in by IAM. */
  private withoutPassword(): void {
    const cluster = this.cluster.node.defaultChild as rds.CfnDBCluster;
    cluster.manageMasterUserPassword = undefined;
    cluster.masterUserAuthenticationType = 'iam-db-auth';
  }
}
