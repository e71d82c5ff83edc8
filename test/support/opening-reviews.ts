import type { ManualReviewRequest } from '../../lib/saga/compensate.sql.ts';

/** What a saga tells whose own compensation could not release the stock of an order. */
export const releaseFailed = (orderId: string): Pick<ManualReviewRequest, 'execution' | 'attempt' | 'why'> => ({
  execution: orderId,
  attempt: 0,
  why: { steps: ['ReleaseStock'], error: 'Error', message: 'x' },
});
