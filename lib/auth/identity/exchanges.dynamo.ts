import { createHash } from 'node:crypto';
import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { type DynamoDBDocumentClient, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { Problem } from '../../contract/api/problems.ts';
import { type Clock, toEpochSeconds } from '../../kernel/clock.ts';
import { orUnavailable } from '../store.dynamo.ts';

export type ExchangeStore = { client: DynamoDBDocumentClient; table: string; clock: Clock };

/** How many sessions one id token can open: an app may repeat a request whose answer was lost. */
const maxExchanges = 10;
/** Longer than an issuer lets an id token live. */
const rememberedSeconds = 24 * 3600;

/**
 * Counts one exchange of an id token for a session.
 * @throws Problem id-token-invalid when it was exchanged too often; DependencyUnavailable
 */
export async function countExchange({ client, table, clock }: ExchangeStore, idToken: string): Promise<void> {
  const subject = `exchange:${createHash('sha256').update(idToken).digest('base64url')}`;
  const counted = new UpdateCommand({
    TableName: table,
    Key: { subject },
    UpdateExpression: 'SET expiresAt = :expiry ADD exchanges :one',
    ConditionExpression: 'attribute_not_exists(exchanges) OR exchanges < :most',
    ExpressionAttributeValues: {
      ':one': 1,
      ':most': maxExchanges,
      ':expiry': toEpochSeconds(clock.now()) + rememberedSeconds,
    },
  });
  try {
    await orUnavailable(client.send(counted));
  } catch (error) {
    if (!(error instanceof ConditionalCheckFailedException)) throw error;
    throw new Problem('id-token-invalid', 'The id token has opened too many sessions. Sign in again at the provider.');
  }
}
