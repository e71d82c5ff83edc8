import { run as abandonOrder } from '../../functions/saga/abandon-order.ts';
import { run as awaitPayment } from '../../functions/saga/await-payment.ts';
import { run as capturePayment } from '../../functions/saga/capture-payment.ts';
import { run as chargePayment } from '../../functions/saga/charge-payment.ts';
import { run as closeOrder } from '../../functions/saga/close-order.ts';
import { run as confirmOrder } from '../../functions/saga/confirm-order.ts';
import { run as refundPart } from '../../functions/saga/refund-part.ts';
import { run as refundPayment } from '../../functions/saga/refund-payment.ts';
import { run as releaseStock } from '../../functions/saga/release-stock.ts';
import { run as requestManualReview } from '../../functions/saga/request-manual-review.ts';
import { run as reserveStock } from '../../functions/saga/reserve-stock.ts';
import { run as settleCapture } from '../../functions/saga/settle-capture.ts';
import { run as settleRefund } from '../../functions/saga/settle-refund.ts';
import type { StepName } from '../../functions/steps.ts';
import type { Clock } from '../../lib/kernel/clock.ts';
import type { Sql } from '../../lib/platform/sql.ts';
import type { Meter } from '../../lib/platform/telemetry.ts';
import type { AwaitedPayments } from '../../lib/saga/awaited-payments.dynamo.ts';
import type { PaymentGateway } from '../../lib/shop/payments/gateway.ts';

/** What the steps of the saga are handed, all of them together. */
export type StepDeps = {
  sql: () => Sql;
  clock: Clock;
  meter: Meter;
  gateway: PaymentGateway;
  reservationSeconds: number;
  awaited: AwaitedPayments;
  resumeTask: (taskToken: string) => Promise<void>;
};

/** Every step's own `run`. */
export const stepRuns: Record<StepName, (state: never, deps: StepDeps) => Promise<unknown>> = {
  ReserveStock: reserveStock,
  ChargePayment: chargePayment,
  AwaitPayment: awaitPayment,
  ConfirmOrder: confirmOrder,
  AbandonOrder: abandonOrder,
  RefundPayment: refundPayment,
  RefundPart: refundPart,
  SettleRefund: settleRefund,
  CapturePayment: capturePayment,
  SettleCapture: settleCapture,
  ReleaseStock: releaseStock,
  CloseOrder: closeOrder,
  RequestManualReview: requestManualReview,
};
