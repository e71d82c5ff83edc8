import { RemovalPolicy, Validations } from 'aws-cdk-lib';
import * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import { Construct } from 'constructs';
import type { TableName } from '../../lib/contract/deploy/route.ts';
import type { Profile } from '../profiles.ts';
import { type TableKeys, tables } from '../tables.ts';

const ids: Readonly<Record<TableName, string>> = {
  sessions: 'Sessions',
  limits: 'Limits',
  applications: 'Applications',
  appKeys: 'AppKeys',
  charges: 'Charges',
  awaitedPayments: 'AwaitedPayments',
  webhookEvents: 'WebhookEvents',
  providerCharges: 'ProviderCharges',
  issuerKeys: 'IssuerKeys',
  identities: 'Identities',
};

/**
 * What it would cost to lose a table: limits are counters of the last two minutes, a payment that is awaited without its
 * token is compensated when its reservation ends, an event that comes again resumes nobody, and the snapshot of the provider's
 * books is copied again; the rest is not made again.
 */
const hurtsToLose: Readonly<Record<TableName, boolean>> = {
  sessions: true,
  limits: false,
  applications: true,
  appKeys: true,
  charges: true,
  awaitedPayments: false,
  webhookEvents: false,
  providerCharges: false,
  issuerKeys: false,
  identities: true,
};

/** Tables that only one payment provider needs. */
const onlyWith: Readonly<Partial<Record<TableName, 'simulated' | 'stripe'>>> = {
  charges: 'simulated',
  webhookEvents: 'stripe',
};

/** The DynamoDB tables, paid by request. */
export class Tables extends Construct {
  readonly byName: Readonly<Partial<Record<TableName, dynamodb.Table>>>;

  constructor(
    scope: Construct,
    id: string,
    { profile, provider }: { profile: Profile; provider: 'simulated' | 'stripe' },
  ) {
    super(scope, id);
    const names = (Object.keys(tables) as TableName[]).filter((name) => (onlyWith[name] ?? provider) === provider);
    this.byName = Object.fromEntries(names.map((name) => [name, this.table(name, profile)]));
  }

  private table(name: TableName, profile: Profile): dynamodb.Table {
    const { partitionKey, sortKey, ttlAttribute }: TableKeys = tables[name];
    const recovers = profile.keeps && hurtsToLose[name];
    const key = (attribute: string) => ({ name: attribute, type: dynamodb.AttributeType.STRING });
    const table = new dynamodb.Table(this, ids[name], {
      partitionKey: key(partitionKey),
      ...(sortKey === undefined ? {} : { sortKey: key(sortKey) }),
      ...(ttlAttribute === undefined ? {} : { timeToLiveAttribute: ttlAttribute }),
      billingMode: dynamodb.BillingMode.PAY_PER_REQUEST,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: recovers },
      deletionProtection: recovers,
      removalPolicy: recovers ? RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE : RemovalPolicy.DESTROY,
    });
    if (!recovers) {
      Validations.of(table).acknowledge({
        id: 'AwsSolutions-DDB3',
        reason: profile.keeps
          ? 'What it holds is of use for minutes, or is copied again within the hour.'
          : 'A dev stage holds nothing worth recovering.',
      });
    }
    return table;
  }
}
