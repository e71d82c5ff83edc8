import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { awsCredentials, config } from './config.ts';

let client: DynamoDBDocumentClient | undefined;

/** Time-outs of each of two attempts, in milliseconds. */
export const dynamoTimeouts = { connectionTimeout: 500, requestTimeout: 800 };

/** The process's DynamoDB client. It fails fast, because every request waits for DynamoDB. */
export function dynamo(): DynamoDBDocumentClient {
  client ??= DynamoDBDocumentClient.from(
    new DynamoDBClient({
      region: config().AWS_REGION,
      credentials: awsCredentials(),
      maxAttempts: 2,
      requestHandler: { ...dynamoTimeouts, throwOnRequestTimeout: true },
    }),
    { marshallOptions: { removeUndefinedValues: true } },
  );
  return client;
}
