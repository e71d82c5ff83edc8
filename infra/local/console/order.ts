import type { DynamoDBDocument } from '@aws-sdk/lib-dynamodb';
import type { Explanation, ReviewOrder } from '../../../lib/contract/api/manual-review.ts';
import type { StateMachineName } from '../../../lib/contract/deploy/route.ts';
import { readRecords } from '../../../lib/operations/manual-review/explain.sql.ts';
import { findReviewOrder } from '../../../lib/operations/manual-review/find.sql.ts';
import {
  capturingExecution,
  compensatingExecution,
  type ExecutionId,
  placingExecution,
  refundingExecution,
} from '../../../lib/saga/executions.ts';
import type { Database } from './database.sql.ts';
import { captureAttempts, findFacts, refundAttempts, type StockLevel, stockLevels } from './orders.sql.ts';
import { executionsOf } from './orders.ts';
import type { StatesApi } from './states-api.ts';
import { readCause, type Visit, visitsOf } from './story.ts';
import { type Charge, deliveriesOf, findCharge, type WebhookDelivery } from './tables.dynamo.ts';

/** An execution as the console draws it. Times are milliseconds since the epoch. */
export type ExecutionView = {
  machine: StateMachineName;
  name: string;
  status: string;
  startedAt: number;
  endedAt: number | null;
  error: string | null;
  message: string | null;
  events: number;
  visits: Visit[];
};

export type OrderView = Pick<
  Explanation,
  'manualReview' | 'timeline' | 'payments' | 'refunds' | 'reservations' | 'stockMovements' | 'events'
> & {
  order: ReviewOrder;
  correlationId: string | null;
  archived: boolean;
  executions: ExecutionView[];
  levels: StockLevel[];
  /** What the simulated provider has of the order. */
  charge: Charge | null;
  deliveries: WebhookDelivery[];
  /** Parts that did not answer, in words. */
  missing: string[];
};

type Deps = {
  database: Database;
  states: StatesApi;
  documents: DynamoDBDocument;
  machines: Record<StateMachineName, { arn: string }>;
};

/** Everything about one order; undefined when there is none. Parts that do not answer are named instead. */
export async function readOrder(deps: Deps, orderId: string, now: number): Promise<OrderView | undefined> {
  const { database, documents } = deps;
  const missing: string[] = [];
  const orElse = async <T>(part: string, work: Promise<T>, otherwise: T): Promise<T> => {
    try {
      return await work;
    } catch {
      missing.push(part);
      return otherwise;
    }
  };
  const facts = await database.read((sql) => findFacts(sql, orderId));
  if (facts === undefined) return undefined;
  const { id, currency, compensationAttempts, updatedAt, archived, correlationId } = facts;
  const [order, records, refunds, captures] = await Promise.all([
    database.read((sql) => findReviewOrder(sql, orderId, now)),
    database.read((sql) =>
      readRecords(sql, { id, currency, compensationAttempts, updatedAt, archived, wasConfirmed: true }, now),
    ),
    database.read((sql) => refundAttempts(sql, orderId)),
    database.read((sql) => captureAttempts(sql, orderId)),
  ]);
  const { actions: _actions, ...shown } = records;
  const wanted: ExecutionId[] = [
    placingExecution({ orderId }),
    compensatingExecution({ orderId, reason: 'cancellation' }),
    ...Array.from({ length: compensationAttempts }, (_, i) =>
      compensatingExecution({ orderId, reason: 'retry', attempt: i + 1 }),
    ).slice(-10),
    ...captures.map(({ id: paymentId, attempt }) => capturingExecution({ paymentId, attempt })),
    ...refunds.map(({ id: refundId, attempt }) => refundingExecution({ refundId, attempt })),
  ];
  const [executions, levels, charge, deliveries] = await Promise.all([
    orElse('Step Functions', Promise.all(wanted.map((execution) => readExecution(deps, execution))), []),
    database.read((sql) =>
      stockLevels(
        sql,
        order!.lines.map(({ productId }) => productId),
      ),
    ),
    orElse('DynamoDB', findCharge(documents, orderId), null),
    orElse(
      'DynamoDB',
      deliveriesOf(
        documents,
        shown.events.map((event) => event.id),
      ),
      [],
    ),
  ]);
  return {
    ...shown,
    order: order!,
    correlationId,
    archived,
    executions: executions.filter((execution) => execution !== undefined),
    levels,
    charge,
    deliveries,
    missing: [...new Set(missing)],
  };
}

async function readExecution(
  { states, machines }: Deps,
  { machine, name }: ExecutionId,
): Promise<ExecutionView | undefined> {
  const arn = `${executionsOf(machines[machine].arn)}:${name}`;
  const found = await states.describe(arn);
  if (found === undefined) return undefined;
  const events = await states.history(arn);
  return {
    machine,
    name,
    status: found.status,
    startedAt: found.startDate * 1000,
    endedAt: found.stopDate === undefined ? null : found.stopDate * 1000,
    error: found.error ?? null,
    message: readCause(found.cause).message,
    events: events.length,
    visits: visitsOf(events),
  };
}
