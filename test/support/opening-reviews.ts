import type { Flag } from '../../lib/saga/compensate.sql.ts';

/** What a saga tells whose own undo could not release the stock of an order. */
export const releaseFailed = (orderId: string): Pick<Flag, 'execution' | 'attempt' | 'why'> => ({
  execution: orderId,
  attempt: 0,
  why: { steps: ['ReleaseStock'], error: 'Error', message: 'x' },
});
