import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { awsCredentials, config } from './config.ts';

let client: DynamoDBDocumentClient | undefined;

/** How long each of two attempts waits for DynamoDB, in milliseconds. */
export const dynamoPatience = { connectionTimeout: 500, requestTimeout: 800 };

/** The process's DynamoDB client. Fails fast: a request that waits for DynamoDB is a request that does not answer. */
export function dynamo(): DynamoDBDocumentClient {
  client ??= DynamoDBDocumentClient.from(
    new DynamoDBClient({
      region: config().AWS_REGION,
      credentials: awsCredentials(),
      maxAttempts: 2,
      requestHandler: { ...dynamoPatience, throwOnRequestTimeout: true },
    }),
    { marshallOptions: { removeUndefinedValues: true } },
  );
  return client;
}
