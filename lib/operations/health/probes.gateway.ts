import { DescribeStateMachineCommand, type SFNClient } from '@aws-sdk/client-sfn';
import { type DynamoDBDocumentClient, GetCommand } from '@aws-sdk/lib-dynamodb';
import type { Sql } from 'postgres';

/*
 * The probes of the health check. Each resolves when its dependency has answered one cheap request.
 */

export async function probeDatabase(sql: Sql): Promise<void> {
  await sql`select 1`;
}

/** Reads a key that never exists. */
export async function probeSessions(client: DynamoDBDocumentClient, table: string): Promise<void> {
  await client.send(new GetCommand({ TableName: table, Key: { customerId: 'health', tokenHash: 'health' } }));
}

/** Resolves when Step Functions has answered that each state machine exists. */
export async function probeStates(client: SFNClient, stateMachineArns: readonly string[]): Promise<void> {
  await Promise.all(
    stateMachineArns.map((stateMachineArn) => client.send(new DescribeStateMachineCommand({ stateMachineArn }))),
  );
}
