import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SFNClient } from '@aws-sdk/client-sfn';
import { awsCredentials, config } from '../../../lib/platform/config.ts';

const options = () => ({
  region: config().AWS_REGION,
  credentials: awsCredentials,
  maxAttempts: 2,
  requestHandler: { connectionTimeout: 500, requestTimeout: 3000, throwOnRequestTimeout: true },
});

let [dynamo, states]: [DynamoDBClient?, SFNClient?] = [];

/** Clients of the SDK: the functions' own callers know the operations that functions use. */
export const dynamoClient = (): DynamoDBClient => (dynamo ??= new DynamoDBClient(options()));
export const statesClient = (): SFNClient => (states ??= new SFNClient(options()));
