import { RemovalPolicy, Validations } from 'aws-cdk-lib';
import * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import { Construct } from 'constructs';
import { type TableName, type TableRow, tables } from '../../lib/contract/deploy/tables.ts';
import type { Profile } from '../profiles.ts';

/** The DynamoDB tables, one for each row of `lib/contract/deploy/tables.ts`, billed by request. */
export class Tables extends Construct {
  readonly byName: Readonly<Record<TableName, dynamodb.Table>>;

  constructor(scope: Construct, id: string, { profile }: { profile: Profile }) {
    super(scope, id);
    this.byName = Object.fromEntries(
      Object.entries<TableRow>(tables).map(([name, row]) => [name, this.table(name, row, profile)]),
    ) as Record<TableName, dynamodb.Table>;
  }

  private table(name: string, { partitionKey, sortKey, ttlAttribute, recoverable }: TableRow, profile: Profile) {
    const recovers = profile.keeps && recoverable;
    const key = (attribute: string) => ({ name: attribute, type: dynamodb.AttributeType.STRING });
    const table = new dynamodb.Table(this, name[0]!.toUpperCase() + name.slice(1), {
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
          ? 'Nothing in it is lost for good: its row in lib/contract/deploy/tables.ts says why.'
          : 'A dev stage holds nothing worth recovering.',
      });
    }
    return table;
  }
}
