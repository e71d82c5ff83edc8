import type { Sql } from 'postgres';
import type { DocumentClient } from '../../database/document-client.dynamo.ts';

/*
 * The probes of the health check. Each resolves when its dependency has answered one cheap request.
 */

export async function probeDatabase(sql: Sql): Promise<void> {
  await sql`select 1`;
}

/** Reads a key that never exists. */
export async function probeSessions(client: DocumentClient, table: string): Promise<void> {
  await client.get({ TableName: table, Key: { customerId: 'health', tokenHash: 'health' } });
}

/** Resolves when Step Functions has answered that each state machine exists. */
export async function probeStates(
  describe: (stateMachineArn: string) => Promise<unknown>,
  stateMachineArns: readonly string[],
): Promise<void> {
  await Promise.all(stateMachineArns.map(describe));
}
