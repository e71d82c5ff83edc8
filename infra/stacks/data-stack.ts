import { CfnOutput, Fn, RemovalPolicy, Stack, type StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { BroughtDatabase } from '../constructs/brought-database.ts';
import { Database, type StageDatabase } from '../constructs/database.ts';
import { fixChoices } from '../constructs/fixed-choices.ts';
import { Identity } from '../constructs/identity.ts';
import { readerNameOf } from '../constructs/names.ts';
import { Network } from '../constructs/network.ts';
import { ReportFiles } from '../constructs/report-files.ts';
import { StageKey } from '../constructs/stage-key.ts';
import { Tables } from '../constructs/tables.ts';
import { Warehouse } from '../constructs/warehouse.ts';
import type { MonitoredResources } from '../monitoring/resources.ts';
import type { Settings } from '../settings.ts';

/** What must outlive code: network, database and its proxy, tables, warehouse, files, user pool. It changes rarely. */
export class DataStack extends Stack {
  readonly network: Network;
  readonly database: StageDatabase;
  readonly tables: Tables;
  readonly identity: Identity;
  /** Undefined where AWS's own keys suffice. */
  readonly key: StageKey | undefined;
  readonly monitored: Pick<MonitoredResources, 'cluster' | 'writer' | 'reader' | 'proxy' | 'tables'>;
  readonly #zones: number;

  constructor(scope: Construct, id: string, { settings, ...props }: StackProps & { settings: Settings }) {
    super(scope, id, props);
    const { profile, brought } = settings;
    this.#zones = profile.zones;
    this.key = profile.ownKey
      ? new StageKey(this, 'Key', {
          name: `counterfoil-${profile.stage}`,
          removalPolicy: profile.keeps ? RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE : RemovalPolicy.DESTROY,
        })
      : undefined;
    this.network = new Network(this, 'Network', settings);
    this.database =
      brought.database === undefined
        ? new Database(this, 'Database', { profile, network: this.network, key: this.key })
        : new BroughtDatabase(this, 'ShopDatabase', { profile, database: brought.database, key: this.key });
    this.tables = new Tables(this, 'Tables', { profile });
    new ReportFiles(this, 'ReportFiles', { profile });
    new Warehouse(this, 'Warehouse', { profile, key: this.key });
    this.identity = new Identity(this, 'Identity', settings);
    this.monitored = {
      cluster: this.database.cluster?.clusterIdentifier,
      writer: this.database.cluster?.instanceIdentifiers[0],
      reader: this.database.reader === undefined ? undefined : readerNameOf(profile.stage, 1),
      proxy: this.database.proxy?.dbProxyName,
      tables: Object.fromEntries(
        Object.entries(this.tables.byName).map(([name, table]) => [name, table.tableName]),
      ) as MonitoredResources['tables'],
    };
    this.exportAlways();
    fixChoices(this, settings);
    new CfnOutput(this, 'ApplicationsTable', { value: this.tables.byName.applications.tableName });
    new CfnOutput(this, 'AppKeysTable', { value: this.tables.byName.appKeys.tableName });
    new CfnOutput(this, 'DatabaseProxy', { value: this.database.host });
    const { reader } = this.database;
    if (reader !== undefined) new CfnOutput(this, 'DatabaseReader', { value: reader.endpoint });
  }

  /**
   * Exports what other stacks use only with some settings. CDK alone would drop such an export with the last reference to
   * it, which CloudFormation refuses as long as a deployed stack imports it.
   */
  private exportAlways(): void {
    for (const table of Object.values(this.tables.byName)) {
      this.exportValue(table.tableName);
      this.exportValue(table.tableArn);
    }
    this.exportValue(this.identity.userPool.userPoolProviderUrl);
    if (this.key !== undefined) this.exportValue(this.key.keyArn);
  }

  /** The first zones of the region, unknown until deployment. CDK would stop at two without an account to ask. */
  override get availabilityZones(): string[] {
    return Array.from({ length: this.#zones }, (_, index) => Fn.select(index, Fn.getAzs()));
  }
}
