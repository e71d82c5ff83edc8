import type { DocumentClient } from '../database/document-client.dynamo.ts';
import { awsCaller } from './aws/caller.ts';
import { documentClient } from './aws/documents.ts';
import { awsCredentials, awsEndpoint, config } from './config.ts';

let client: DocumentClient | undefined;

/** Of each of two attempts. Tests on a busy machine wait longer. */
export const dynamoTimeouts = { connectMs: 500, answerMs: 800 };

/** The process's DynamoDB client. It fails fast, because every request waits for DynamoDB. */
export function dynamo(): DocumentClient {
  client ??= documentClient(
    awsCaller({
      region: config().AWS_REGION,
      service: 'dynamodb',
      target: 'DynamoDB_20120810',
      jsonVersion: '1.0',
      endpoint: awsEndpoint('DYNAMODB'),
      credentials: awsCredentials,
      attempts: 2,
      timeouts: dynamoTimeouts,
    }),
  );
  return client;
}
