import { DescribeExecutionCommand, ExecutionDoesNotExist, GetExecutionHistoryCommand } from '@aws-sdk/client-sfn';
import type { ReviewOrder } from '../../lib/contract/api/manual-review.ts';
import { newId } from '../../lib/kernel/ids.ts';
import { explainOrder } from '../../lib/operations/manual-review/explain.ts';
import { findReviewOrder } from '../../lib/operations/manual-review/find.sql.ts';
import { resolveOrder } from '../../lib/operations/manual-review/resolve.ts';
import { type RetryDeps, retryCompensation } from '../../lib/operations/manual-review/retry.ts';
import type { ExecutionId } from '../../lib/saga/executions.ts';
import { executionArnOf, type Saga } from './saga.ts';

export type Resolving = { outcome?: 'failed' | 'cancelled'; note?: string; refundReference?: string; key?: string };

/** Manual review of a saga's orders, under the role of its handlers. */
export function setUpManualReview(saga: Saga) {
  const { manualReview: sql, clock } = saga;
  const keys = { ...saga.keys, table: 'orders.review_idempotency_keys' as const };
  const keyId = newId('appKey', clock);
  const asking = (orderId: string) => ({ orderId, keyId, requestId: newId('request', clock) });
  const claimOf = (operation: string, key?: string) => ({
    caller: `app:${keyId}`,
    key,
    operation,
    fingerprint: operation,
  });
  const readExecution = async (execution: ExecutionId) => {
    const executionArn = executionArnOf(execution);
    try {
      const { status, startDate, stopDate } = await saga.sfn.send(new DescribeExecutionCommand({ executionArn }));
      const history = new GetExecutionHistoryCommand({ executionArn, includeExecutionData: false, maxResults: 1000 });
      const { events = [] } = await saga.sfn.send(history);
      return {
        name: execution.name,
        status: status!,
        startedAt: startDate!,
        endedAt: stopDate,
        events,
        complete: true,
      };
    } catch (error) {
      if (error instanceof ExecutionDoesNotExist) return undefined;
      throw error;
    }
  };
  return {
    keyId,
    /** Asks for another compensation, without waiting for it. */
    retry: async (
      orderId: string,
      {
        key,
        startCompensating = saga.startCompensating,
        startCapturing = saga.startCapturing,
      }: { key?: string } & Partial<RetryDeps> = {},
    ) => {
      const result = await retryCompensation(
        { sql, clock, keys, startCompensating, startCapturing },
        claimOf('retry-compensation', key),
        asking(orderId),
      );
      return { ...result, order: JSON.parse(result.answer.body!) as ReviewOrder };
    },
    resolve: async (orderId: string, { outcome = 'failed', note = 'settled', key, ...rest }: Resolving = {}) => {
      const request = { ...asking(orderId), outcome, note, ...rest };
      const result = await resolveOrder({ sql, clock, keys }, claimOf('resolve-order', key), request);
      return { ...result, order: JSON.parse(result.answer.body!) as ReviewOrder };
    },
    explain: (orderId: string) => {
      const onError = (error: unknown) => {
        throw error;
      };
      return explainOrder({ sql, clock, readExecution, onError }, asking(orderId));
    },
    order: async (orderId: string) => (await findReviewOrder(sql, orderId, clock.now()))!,
  };
}
