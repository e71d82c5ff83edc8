import {
  type AttributeDefinition,
  CreateTableCommand,
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
  type DynamoDBClient,
  type KeySchemaElement,
  ResourceInUseException,
  ResourceNotFoundException,
  type TableDescription,
  UpdateTimeToLiveCommand,
  waitUntilTableExists,
} from '@aws-sdk/client-dynamodb';

/** A table with string keys, billed per request. `ttlAttribute` holds seconds since the epoch. */
export type TableSpec = { name: string; partitionKey: string; sortKey?: string; ttlAttribute?: string };

/**
 * Creates the missing tables, waits until they can be used and sets their time to live. Idempotent. Throws
 * `TableKeysDifferError` when a table exists with other keys.
 */
export async function createTables(client: DynamoDBClient, tables: TableSpec[]): Promise<void> {
  await Promise.all(tables.map((table) => createTable(client, table)));
}

/** A table with this name exists, but with other keys. */
export class TableKeysDifferError extends Error {
  readonly table: string;
  readonly expected: string[];
  readonly actual: string[];

  constructor(table: string, expected: string[], actual: string[]) {
    super(
      `DynamoDB table ${table} has the keys ${actual.join(', ')} instead of ${expected.join(', ')}: start over with "npm start -- --reset".`,
    );
    this.name = 'TableKeysDifferError';
    this.table = table;
    this.expected = expected;
    this.actual = actual;
  }
}

async function createTable(client: DynamoDBClient, spec: TableSpec): Promise<void> {
  const found = (await describe(client, spec.name)) ?? (await create(client, spec));
  if (found?.TableStatus !== 'ACTIVE')
    await waitUntilTableExists({ client, maxWaitTime: 10, minDelay: 0.01, maxDelay: 0.1 }, { TableName: spec.name });
  const existing = found ?? (await describe(client, spec.name));
  const expected = keysOf(spec).map((key) => key.AttributeName!);
  const actual = existing?.KeySchema?.map((key) => key.AttributeName!) ?? [];
  if (expected.join() !== actual.join()) throw new TableKeysDifferError(spec.name, expected, actual);
  await setTimeToLive(client, spec);
}

async function describe(client: DynamoDBClient, name: string): Promise<TableDescription | undefined> {
  try {
    return (await client.send(new DescribeTableCommand({ TableName: name }))).Table;
  } catch (error) {
    if (error instanceof ResourceNotFoundException) return undefined;
    throw error;
  }
}

/** The new table, or undefined when another process is creating it. */
async function create(client: DynamoDBClient, spec: TableSpec): Promise<TableDescription | undefined> {
  const keys = keysOf(spec);
  try {
    const created = await client.send(
      new CreateTableCommand({
        TableName: spec.name,
        KeySchema: keys,
        AttributeDefinitions: keys.map(
          ({ AttributeName }): AttributeDefinition => ({ AttributeName, AttributeType: 'S' }),
        ),
        BillingMode: 'PAY_PER_REQUEST',
      }),
    );
    return created.TableDescription;
  } catch (error) {
    if (error instanceof ResourceInUseException) return undefined;
    throw error;
  }
}

function keysOf({ partitionKey, sortKey }: TableSpec): KeySchemaElement[] {
  const partition: KeySchemaElement = { AttributeName: partitionKey, KeyType: 'HASH' };
  return sortKey ? [partition, { AttributeName: sortKey, KeyType: 'RANGE' }] : [partition];
}

async function setTimeToLive(client: DynamoDBClient, { name, ttlAttribute: wanted }: TableSpec): Promise<void> {
  const { TimeToLiveDescription: now } = await client.send(new DescribeTimeToLiveCommand({ TableName: name }));
  const current = now?.TimeToLiveStatus === 'ENABLED' ? now.AttributeName : undefined;
  if (current === wanted) return;
  if (current) await update(current, false);
  if (wanted) await update(wanted, true);

  async function update(AttributeName: string, Enabled: boolean): Promise<void> {
    try {
      await client.send(
        new UpdateTimeToLiveCommand({ TableName: name, TimeToLiveSpecification: { AttributeName, Enabled } }),
      );
    } catch (error) {
      // Another process has just done the same.
      if (!/is already (enabled|disabled)/.test(String(error))) throw error;
    }
  }
}
