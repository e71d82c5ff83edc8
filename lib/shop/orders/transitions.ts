import type { OrderStatus } from '../../contract/api/orders.ts';

/**
 * THE order's state machine: from a status to those that may follow. The database enforces the same table
 * (`orders.status_transitions`); a test holds the two together.
 */
export const transitions: Readonly<Record<OrderStatus, readonly OrderStatus[]>> = {
  pending: ['reserved', 'failed', 'cancelling', 'needs_attention'],
  reserved: ['pending_payment', 'confirmed', 'failed', 'cancelling', 'needs_attention'],
  pending_payment: ['confirmed', 'failed', 'cancelling', 'needs_attention'],
  confirmed: ['cancelling', 'needs_attention'],
  cancelling: ['cancelled', 'needs_attention'],
  failed: [],
  cancelled: [],
  needs_attention: ['pending', 'reserved', 'confirmed', 'cancelling', 'failed', 'cancelled'],
};

/** Whether the saga is done with an order in this status: it stays as it is until somebody asks for something. */
export const hasEnded = (status: OrderStatus): boolean => !openStatuses.includes(status);

/** Whether it is not the saga's turn: the order has ended, or its customer has to act on the payment. */
export const isAtRest = (status: OrderStatus): boolean => hasEnded(status) || status === 'pending_payment';

/** Statuses of orders that somebody is working on. */
export const openStatuses: readonly OrderStatus[] = ['pending', 'reserved', 'pending_payment', 'cancelling'];
