import { createHash } from 'node:crypto';
import type { UpdateCommandInput } from '@aws-sdk/lib-dynamodb';
import { Problem } from '../../contract/api/problems.ts';
import { type DocumentClient, isConditionFailed } from '../../database/document-client.dynamo.ts';
import { type Clock, toEpochSeconds } from '../../kernel/clock.ts';
import { orUnavailable } from '../store.dynamo.ts';

export type ExchangeStore = { client: DocumentClient; table: string; clock: Clock };

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
  const counted: UpdateCommandInput = {
    TableName: table,
    Key: { subject },
    UpdateExpression: 'SET expiresAt = :expiry ADD exchanges :one',
    ConditionExpression: 'attribute_not_exists(exchanges) OR exchanges < :most',
    ExpressionAttributeValues: {
      ':one': 1,
      ':most': maxExchanges,
      ':expiry': toEpochSeconds(clock.now()) + rememberedSeconds,
    },
  };
  try {
    await orUnavailable(client.update(counted));
  } catch (error) {
    if (!isConditionFailed(error)) throw error;
    throw new Problem('id-token-invalid', 'The id token has opened too many sessions. Sign in again at the provider.');
  }
}
