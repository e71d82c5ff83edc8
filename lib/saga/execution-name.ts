import type { SagaInput } from './state.ts';

/**
 * The name of an order's execution: the order's id, a second one for its cancellation after it was confirmed, one for each
 * compensation that was run again, one for giving back a charge that lost its order, and the refund's id with the number of
 * the attempt for a refund of a part.
 */
export function executionName(of: Pick<SagaInput, 'orderId' | 'intent' | 'attempt' | 'part'>): string {
  const { orderId, intent, attempt, part } = of;
  switch (intent) {
    case 'place':
      return orderId;
    case 'cancel':
      return `${orderId}-cancel`;
    case 'refund-orphaned-charge':
      return `${orderId}-orphaned-charge`;
    case 'compensation':
      return `${orderId}-compensation-${attempt}`;
    case 'refund':
      if (part === undefined) throw new Error('a refund of nothing has no execution');
      return `${part.id}-${part.attempt}`;
  }
}
