import { TransactionCanceledException } from '@aws-sdk/client-dynamodb';
import { type DynamoDBDocumentClient, TransactWriteCommand } from '@aws-sdk/lib-dynamodb';
import { answered } from '../sessions/answered.dynamo.ts';

export type Writes = NonNullable<ConstructorParameters<typeof TransactWriteCommand>[0]['TransactItems']>;

/**
 * Whether all was written; false, and nothing written, when a condition did not hold.
 * @throws DependencyUnavailable
 */
export async function writeAll(client: DynamoDBDocumentClient, items: Writes): Promise<boolean> {
  try {
    await answered(client.send(new TransactWriteCommand({ TransactItems: items })));
    return true;
  } catch (error) {
    const reasons = error instanceof TransactionCanceledException ? (error.CancellationReasons ?? []) : [];
    if (reasons.some(({ Code }) => Code === 'ConditionalCheckFailed')) return false;
    throw error;
  }
}
