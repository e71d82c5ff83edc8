import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SFNClient } from '@aws-sdk/client-sfn';
import { DynamoDBDocument } from '@aws-sdk/lib-dynamodb';
import postgres from 'postgres';
import type { StepName } from '../../functions/steps.ts';
import { createClock } from '../../infra/local/clock.ts';
import { bigintAsNumber, type Sql } from '../../lib/platform/sql.ts';
import { SimulatedGateway } from '../../lib/shop/payments/simulated.dynamo.ts';
import { type StepDeps, stepRuns } from '../support/steps.ts';
import { endTask } from '../support/task-ender.ts';
import type { StageContext, Task } from './hosts.ts';
import { sabotaged } from './sabotage.ts';

// A process that runs one step and says so, but never gives the answer: its parent kills it.
const { databaseHost, databaseName, dynamoEndpoint, statesEndpoint } = JSON.parse(
  process.argv[2] ?? '{}',
) as StageContext;

const sql = postgres({
  host: databaseHost,
  user: 'saga',
  database: databaseName,
  prepare: false,
  fetch_types: false,
  max: 1,
  transform: { column: { from: postgres.toCamel } },
  types: { bigint: bigintAsNumber },
}) as unknown as Sql;

const aws = { region: 'eu-west-1', credentials: { accessKeyId: 'test', secretAccessKey: 'test' } };
const client = DynamoDBDocument.from(new DynamoDBClient({ ...aws, endpoint: dynamoEndpoint }));
const sfn = new SFNClient({ ...aws, endpoint: statesEndpoint });
const clock = createClock();
const deps: StepDeps = {
  sql: () => sql,
  clock,
  meter: { count: () => {}, flush: () => {} },
  gateway: new SimulatedGateway({ client, table: 'charges', clock, timeoutMs: 0 }),
  reservationSeconds: 900,
  awaited: { client, table: 'awaitedPayments' },
  resumeTask: (taskToken) => endTask(sfn, taskToken),
};

process.on('message', async ({ step, payload, sabotage, ahead }: Task) => {
  clock.advance(ahead);
  const run = sabotaged(sabotage, { client })[step as StepName] ?? stepRuns[step as StepName];
  const outcome = await run(payload as never, deps).then(
    () => 'done',
    (error: Error) => error.name,
  );
  process.send?.(outcome);
});
