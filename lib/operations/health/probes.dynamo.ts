import { type DynamoDBDocumentClient, GetCommand } from '@aws-sdk/lib-dynamodb';

/** Settles once the table has answered for a key that is never there. */
export async function probeSessions(client: DynamoDBDocumentClient, table: string): Promise<void> {
  await client.send(new GetCommand({ TableName: table, Key: { customerId: 'health', tokenHash: 'health' } }));
}
