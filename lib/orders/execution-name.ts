/** The name of an order's execution: the order's id, and a second one for its cancellation after it was confirmed. */
export const executionName = ({ orderId, intent }: { orderId: string; intent: 'place' | 'cancel' }): string =>
  intent === 'cancel' ? `${orderId}-cancel` : orderId;
