import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { DynamoDBDocument } from '@aws-sdk/lib-dynamodb';
import postgres, { type Sql } from 'postgres';
import { bigintAsNumber } from '../../lib/platform/sql.ts';
import { allCharges, brokenInvariants } from '../support/provider-transactions.ts';
import type { World } from './world.ts';

/** Errors of PostgreSQL that the code counts on: it takes them as the answer to a question. */
const awaited = [
  /duplicate key value violates unique constraint/,
  // The first record of an access comes before the job that makes the months.
  /no partition of relation "accesses" found for row/,
];

/** What is wrong after all requests: in the logs and in the transactions. A sentence for each. */
export async function findTraces({ stack, logs, secrets }: World): Promise<string[]> {
  await stack.inside.sagasIdle();
  await stack.inside.accessesRecorded();
  const found = await brokenBalances(stack.inside);
  for (const log of logs) {
    const text = await readFile(log, 'utf8');
    for (const [name, secret] of Object.entries(secrets)) {
      if (text.includes(secret)) found.push(`${log} holds ${name}`);
    }
    found.push(...errorsIn(text).map((line) => `${log}: ${line.slice(0, 600)}`));
  }
  return found;
}

const errorsIn = (text: string): string[] =>
  text
    .split('\n')
    .filter((line) => /^\{"level":"(ERROR|CRITICAL)"|^[-\d]+ [\d:.]+ \S+ \[\d+\] .*\b(ERROR|FATAL|PANIC): /.test(line))
    .filter((line) => !awaited.some((pattern) => pattern.test(line)));

async function brokenBalances({ socketPath, dynamo }: World['stack']['inside']): Promise<string[]> {
  const sql = postgres({
    host: dirname(socketPath),
    user: 'rdsadmin',
    database: 'counterfoil',
    max: 1,
    transform: { column: { from: postgres.toCamel } },
    types: { bigint: bigintAsNumber },
  }) as unknown as Sql;
  try {
    return await brokenInvariants(sql, await allCharges(DynamoDBDocument.from(dynamo)));
  } finally {
    await sql.end();
  }
}
