import type { Sql } from 'postgres';
import type { Explanation } from '../../contract/api/manual-review.ts';
import { Problem } from '../../contract/api/problems.ts';
import type { Clock } from '../../kernel/clock.ts';
import { newId } from '../../kernel/ids.ts';
import {
  capturingExecution,
  compensatingExecution,
  type ExecutionId,
  placingExecution,
} from '../../saga/executions.ts';
import { type AuditedOrder, auditReading } from './audit.sql.ts';
import { readRecords } from './explain.sql.ts';
import { findReviewOrder } from './find.sql.ts';
import { attemptsOf, type Execution } from './history.ts';
import type { Asker } from './retry.ts';

export type ExplainDeps = {
  sql: Sql;
  clock: Clock;
  /** An execution and its history; undefined when there is no such execution, or none any more. */
  readExecution: (execution: ExecutionId) => Promise<Execution | undefined>;
  onError: (error: unknown) => void;
};

/** Compensations run again whose executions are shown: the last ones. */
const shownCompensations = 10;

/**
 * Everything that is known of an order. Where Step Functions does not answer, the rest is told all the same.
 * @throws Problem not-found
 */
export async function explainOrder(deps: ExplainDeps, { orderId, ...asker }: Asker & { orderId: string }) {
  const now = deps.clock.now();
  const operator = { ...asker, actionId: newId('action', deps.clock), at: new Date(now) };
  const known = await auditReading(deps.sql, orderId, operator);
  if (known === undefined) throw new Problem('not-found', 'There is no such order.');
  const [order, records, executions] = await Promise.all([
    findReviewOrder(deps.sql, orderId, now),
    readRecords(deps.sql, known, now),
    storiesOf(executionsOf(orderId, known), deps),
  ]);
  const notes: string[] = [];
  if (executions === null) notes.push('Step Functions did not answer, so the executions are not shown. Try again.');
  if (known.compensationAttempts > shownCompensations)
    notes.push(`Of ${known.compensationAttempts} compensations only the last ${shownCompensations} are shown.`);
  return { order: order!, ...records, executions, requests: requestsOf(records), notes } satisfies Explanation;
}

function executionsOf(
  orderId: string,
  { compensationAttempts, wasConfirmed, paymentId, captureAttempt }: AuditedOrder,
): ExecutionId[] {
  const retries = Array.from({ length: compensationAttempts }, (_, index) => index + 1).slice(-shownCompensations);
  const captures = Array.from({ length: captureAttempt ?? 0 }, (_, index) => index + 1).slice(-shownCompensations);
  return [
    placingExecution({ orderId }),
    ...captures.map((attempt) => capturingExecution({ paymentId: paymentId!, attempt })),
    ...(wasConfirmed ? [compensatingExecution({ orderId, reason: 'cancellation' })] : []),
    ...retries.map((attempt) => compensatingExecution({ orderId, reason: 'retry', attempt })),
  ];
}

async function storiesOf(executions: ExecutionId[], deps: ExplainDeps): Promise<Explanation['executions']> {
  try {
    const found = await Promise.all(executions.map(deps.readExecution));
    return found.flatMap((execution) => (execution === undefined ? [] : [toStory(execution)]));
  } catch (error) {
    deps.onError(error);
    return null;
  }
}

const toStory = ({ name, status, startedAt, endedAt, events, complete }: Execution) => ({
  name,
  status,
  startedAt: startedAt.toISOString(),
  endedAt: endedAt?.toISOString() ?? null,
  attempts: attemptsOf(events),
  complete,
});

/** Requests that did something to the order, or read it in manual review: their ids are in the functions' logs. */
function requestsOf({ timeline, actions }: Pick<Explanation, 'timeline' | 'actions'>): Explanation['requests'] {
  const ofCustomers = timeline.flatMap(({ at, type, detail }) =>
    'requestId' in detail && detail.requestId !== undefined
      ? [{ requestId: detail.requestId, at, what: 'to' in detail ? `${type} ${detail.to}` : type }]
      : [],
  );
  const ofOperators = actions.map(({ requestId, at, action }) => ({ requestId, at, what: action }));
  return [...ofCustomers, ...ofOperators].toSorted((one, other) => Date.parse(one.at) - Date.parse(other.at));
}
