/** An order that its saga is to place; `amount` in minor units of `currency`. */
export type OrderToPlace = {
  orderId: string;
  amount: number;
  currency: string;
  paymentMethod: string;
  /** Absent: at checkout. */
  captureAt?: 'shipment';
  /** The API request that it is for; absent: the one that this process works for. */
  correlationId?: string;
};

/** What a saga is started with when the request that its order is for may long be over. */
export const askedFor = ({ correlationId }: { correlationId?: string | null }): { correlationId?: string } =>
  correlationId === null || correlationId === undefined ? {} : { correlationId };

/** A confirmed order that its customer cancelled; `payment` where money was taken. */
export type OrderToCancel = Omit<OrderToPlace, 'paymentMethod'> & {
  reason: 'cancellation';
  payment?: { provider: string; reference: string };
};

/**
 * A capture of a confirmed order's authorized payment; `attempt` starts at 1. `captureAmount` is what of it is captured; absent:
 * the whole.
 */
export type CaptureToMake = Omit<OrderToPlace, 'paymentMethod' | 'captureAt'> & {
  paymentId: string;
  captureAmount?: number | undefined;
  attempt: number;
  payment: { provider: string; reference: string };
};

/** A partial refund of an order's payment; `attempt` starts at 1. */
export type RefundToMake = Omit<OrderToPlace, 'paymentMethod' | 'captureAt'> & {
  refundId: string;
  attempt: number;
  payment: { provider: string; reference: string };
};

/**
 * Starts a saga. Its execution is named after what it works on, so starting twice is starting once.
 * @throws when it cannot be started now
 */
export type StartSaga<Input> = (input: Input) => Promise<void>;

/**
 * Starts or resumes a saga after its transaction was committed. An error is returned, not thrown: the request is stored,
 * and the sweeper starts what could not be started now.
 */
export async function startOrLeave(start: (() => Promise<void>) | undefined): Promise<{ startError?: unknown }> {
  try {
    await start?.();
    return {};
  } catch (startError) {
    return { startError };
  }
}
