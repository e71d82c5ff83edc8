import { CfnOutput, Fn, Stack, type StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { Database } from '../constructs/database.ts';
import { Identity } from '../constructs/identity.ts';
import { Network } from '../constructs/network.ts';
import { Tables } from '../constructs/tables.ts';
import type { Settings } from '../profiles.ts';

/** What must outlive code: network, database and its proxy, tables, customers' log-ins. Deployed seldom. */
export class DataStack extends Stack {
  readonly network: Network;
  readonly database: Database;
  readonly tables: Tables;
  readonly identity: Identity;
  readonly #zones: number;

  constructor(scope: Construct, id: string, { settings, ...props }: StackProps & { settings: Settings }) {
    super(scope, id, props);
    const { profile } = settings;
    this.#zones = profile.zones;
    this.network = new Network(this, 'Network', settings);
    this.database = new Database(this, 'Database', { profile, network: this.network });
    this.tables = new Tables(this, 'Tables', { profile });
    this.identity = new Identity(this, 'Identity', settings);
    new CfnOutput(this, 'ApplicationsTable', { value: this.tables.byName.applications!.tableName });
    new CfnOutput(this, 'AppKeysTable', { value: this.tables.byName.appKeys!.tableName });
    new CfnOutput(this, 'DatabaseProxy', { value: this.database.proxy.endpoint });
  }

  /** The region's first zones, whichever they are: CDK without an account to ask would stop at two. */
  override get availabilityZones(): string[] {
    return Array.from({ length: this.#zones }, (_, index) => Fn.select(index, Fn.getAzs()));
  }
}
