import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DescribeTableCommand } from '@aws-sdk/client-dynamodb';
import { DescribeStateMachineCommand, GetExecutionHistoryCommand, ListExecutionsCommand } from '@aws-sdk/client-sfn';
import { stateMachines } from '../../../lib/contract/deploy/route.ts';
import { type TableName, tables } from '../../../lib/contract/deploy/tables.ts';
import { scanEndpoints } from '../../../lib/events/webhooks/endpoints.dynamo.ts';
import { lookAtQueues } from '../../../lib/events/webhooks/route.ts';
import { config, tableName } from '../../../lib/platform/config.ts';
import { machineArn } from '../../../lib/platform/step-functions.ts';
import { webhookStore } from '../../../lib/platform/stores.ts';
import { BusStore } from '../bus/store.ts';
import { type Check, count, duration, type Finding, fail, ok, type Patient, warn } from './check.ts';
import { dynamoClient, statesClient } from './clients.ts';
import { explain } from './failures.ts';

/** An order takes less than a second; with the pauses of its retries, a minute or two. */
const longExecutionMs = 60_000;
const mostExecutions = 20;
const lateWebhookMs = 15 * 60_000;
/** A restore that nobody has tried for a month is a hope. */
const oldDrillMs = 31 * 86_400_000;

/** What stands beside PostgreSQL. */
export const serviceChecks: readonly Check[] = [
  { name: 'DynamoDB', needs: ['stack'], run: checkTables },
  { name: 'Step Functions', needs: ['stack'], run: checkMachines },
  { name: 'sagas', needs: ['Step Functions'], run: checkExecutions },
  { name: 'cache', run: checkCache },
  { name: 'bus', needs: ['stack'], run: checkBus },
  { name: 'webhooks', needs: ['DynamoDB'], run: checkWebhooks },
  { name: 'payment provider', needs: ['stack'], run: checkProvider },
  { name: 'backups', run: checkDrills },
];

async function checkTables(): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const table of Object.keys(tables) as TableName[]) {
    try {
      const { Table } = await dynamoClient().send(new DescribeTableCommand({ TableName: tableName(table) }));
      if (Table?.TableStatus !== 'ACTIVE') findings.push(warn(`Table ${table} is ${Table?.TableStatus}.`));
    } catch (error) {
      findings.push(explain(`table ${table}`, error));
      if ((error as Error).name !== 'ResourceNotFoundException') break;
    }
  }
  return findings.length > 0 ? findings : [ok(`All ${Object.keys(tables).length} tables answer.`)];
}

async function checkMachines(): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const machine of stateMachines) {
    await statesClient()
      .send(new DescribeStateMachineCommand({ stateMachineArn: machineArn(machine) }))
      .catch((error: unknown) => findings.push(explain(`state machine ${machine}`, error)));
  }
  return findings.length > 0 ? findings : [ok(`The ${stateMachines.length} state machines answer.`)];
}

/** Executions that take long, each with the error that it repeats. */
async function checkExecutions({ now }: Patient): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const machine of stateMachines) {
    const stateMachineArn = machineArn(machine);
    const { executions = [] } = await statesClient().send(
      new ListExecutionsCommand({ stateMachineArn, statusFilter: 'RUNNING', maxResults: 100 }),
    );
    const long = executions.filter(({ startDate }) => now() - (startDate?.getTime() ?? now()) > longExecutionMs);
    for (const { executionArn, name, startDate } of long.slice(-mostExecutions)) {
      const error = await lastErrorOf(executionArn!);
      if (error === undefined) continue;
      findings.push(
        fail(
          `${name} has run for ${duration(now() - startDate!.getTime())} and fails at ${error}`,
          'mend what the error names; the execution goes on by itself',
          'docs/runbooks/orders-stuck.md',
        ),
      );
    }
  }
  return findings.length > 0 ? findings : [ok('No saga repeats an error.')];
}

/** The state and the error of an execution's last failed attempt; undefined when it waits for something else. */
async function lastErrorOf(executionArn: string): Promise<string | undefined> {
  const { events = [] } = await statesClient().send(
    new GetExecutionHistoryCommand({ executionArn, reverseOrder: true, maxResults: 20 }),
  );
  const [first] = events;
  const failure = events
    .map((event) => event.taskFailedEventDetails ?? event.lambdaFunctionFailedEventDetails)
    .find(Boolean);
  const state = events.find((event) => event.stateEnteredEventDetails !== undefined)?.stateEnteredEventDetails?.name;
  if (failure === undefined || first?.type === 'TaskSubmitted') return undefined;
  const cause = (failure.cause ?? '').replace(/\s+/g, ' ').slice(0, 160);
  return `${state ?? 'a step'}: ${failure.error}${cause === '' ? '' : `, ${cause}`}`;
}

async function checkCache(): Promise<Finding> {
  return config().CACHE === 'on'
    ? ok('The catalogue is read through its cache.')
    : warn(
        'The cache is off (CACHE=off): each read of the catalogue goes to the database, however many read the same at once.',
        'start without CACHE=off; on AWS deploy without -c cache=off',
        'docs/data.md',
      );
}

async function checkBus({ directory }: Patient): Promise<Finding> {
  const page = 'docs/runbooks/events-undelivered.md';
  if (directory === undefined) return ok(`On AWS, events that no consumer took wait in queues with alarms: ${page}.`);
  const file = join(directory, 'events.sqlite');
  if (!existsSync(file)) return ok('No event has been published yet.');
  const store = new BusStore(file);
  try {
    const parked = store.parked();
    if (parked.length === 0) return ok('Every event has been taken by its consumers.');
    const { rule, error } = parked[0]!;
    return fail(
      `${count(parked.length, 'event')} were not taken by a consumer, the first by ${rule}: ${error.replace(/\s+/g, ' ').slice(0, 160)}`,
      'npm run events -- redrive, when the consumer works again',
      page,
    );
  } finally {
    store.close();
  }
}

/** An endpoint that fails is left alone for longer and longer, so what is due for long was sent by nobody. */
async function checkWebhooks({ now }: Patient): Promise<Finding> {
  const store = { ...webhookStore(), clock: { now } };
  const all = await scanEndpoints(store);
  const { due, waiting, oldest } = await lookAtQueues(store, all);
  const text = `${count(all.length, 'endpoint')}, for which ${count(waiting, 'delivery', 'deliveries')} ${waiting === 1 ? 'waits' : 'wait'}`;
  if (oldest * 1000 <= lateWebhookMs) return ok(`${text}; none is late.`);
  return fail(
    `${text}, the first for ${duration(oldest * 1000)} after it was due: ${due
      .map(({ endpointId }) => endpointId)
      .slice(0, 3)
      .join(', ')}.`,
    'see that wake-webhooks runs and send-webhooks does not fail; one late endpoint alone is a slow receiver',
    'docs/runbooks/webhooks-late.md',
  );
}

async function checkProvider(): Promise<Finding> {
  const { PAYMENT_PROVIDER, PAYMENT_TIMEOUT_MS, STRIPE_SECRET_KEY: key } = config();
  if (PAYMENT_PROVIDER === 'simulated') return ok('Payments are simulated.');
  if (key === undefined) return ok('Stripe, with a key that only the functions may read.');
  const response = await fetch('https://api.stripe.com/v1/balance', {
    headers: { authorization: `Bearer ${key}` },
    signal: AbortSignal.timeout(PAYMENT_TIMEOUT_MS),
  }).catch((error: unknown) => explain('Stripe', error));
  if ('level' in response) return response;
  if (response.status === 401)
    return fail('Stripe does not take the key.', 'set STRIPE_SECRET_KEY', 'docs/payments.md');
  return response.ok
    ? ok('Stripe answers.')
    : warn(`Stripe answered ${response.status}.`, 'see https://status.stripe.com');
}

async function checkDrills({ directory, now }: Patient): Promise<Finding> {
  if (directory === undefined) return ok('On AWS the alarm backup-not-tested watches the restore tests.');
  const text = await readFile(join(directory, 'drills.json'), 'utf8').catch(() => '{}');
  const { restore } = JSON.parse(text) as { restore?: { at: string; ok: boolean } };
  const mend = 'npm run drill -- restore --short';
  if (restore === undefined) return ok(`No restore was tried on this machine; ${mend} tries one.`);
  if (!restore.ok) return fail(`The last restore drill, of ${restore.at}, failed.`, mend, 'docs/data.md');
  const age = now() - Date.parse(restore.at);
  return age > oldDrillMs
    ? warn(`The last restore drill is ${duration(age)} old.`, mend, 'docs/data.md')
    : ok(`A restore worked ${duration(age)} ago.`);
}
