import type { DatabaseRole } from '../lib/contract/deploy/roles.ts';
import type { StateGrants } from '../lib/contract/deploy/route.ts';
import type { TableGrants } from '../lib/contract/deploy/tables.ts';

export type Step = {
  name: string;
  /** File under functions/, without its ending. */
  handler: string;
  /** PostgreSQL login role; null for a handler that stays outside the VPC and touches no database. */
  databaseRole: DatabaseRole | null;
  /** Talks to the payment provider: gets its key and, for the simulated one, its table. */
  provider: boolean;
  /** The step that compensates this one; null where there is nothing to compensate. */
  compensatedBy: string | null;
  tables?: TableGrants;
  /** What the handler does with the state machines. */
  states?: StateGrants;
};

const rows = {
  ReserveStock: { handler: 'saga/reserve-stock', databaseRole: 'saga', provider: false, compensatedBy: 'ReleaseStock' },
  ChargePayment: { handler: 'saga/charge-payment', databaseRole: null, provider: true, compensatedBy: 'RefundPayment' },
  AwaitPayment: {
    handler: 'saga/await-payment',
    databaseRole: 'saga',
    provider: false,
    compensatedBy: 'RefundPayment',
    tables: { awaitedPayments: ['UpdateItem'] },
    states: { placing: ['SendTaskSuccess'] },
  },
  ConfirmOrder: { handler: 'saga/confirm-order', databaseRole: 'saga', provider: false, compensatedBy: 'AbandonOrder' },
  AbandonOrder: { handler: 'saga/abandon-order', databaseRole: 'saga', provider: false, compensatedBy: null },
  RefundPayment: { handler: 'saga/refund-payment', databaseRole: null, provider: true, compensatedBy: null },
  RefundPart: { handler: 'saga/refund-part', databaseRole: null, provider: true, compensatedBy: null },
  CapturePayment: { handler: 'saga/capture-payment', databaseRole: null, provider: true, compensatedBy: null },
  SettleCapture: { handler: 'saga/settle-capture', databaseRole: 'saga', provider: false, compensatedBy: null },
  SettleRefund: { handler: 'saga/settle-refund', databaseRole: 'saga', provider: false, compensatedBy: null },
  ReleaseStock: { handler: 'saga/release-stock', databaseRole: 'saga', provider: false, compensatedBy: null },
  CloseOrder: { handler: 'saga/close-order', databaseRole: 'saga', provider: false, compensatedBy: null },
  RequestManualReview: {
    handler: 'saga/request-manual-review',
    databaseRole: 'saga',
    provider: false,
    compensatedBy: null,
  },
} as const satisfies Record<string, Omit<Step, 'name'>>;

export type StepName = keyof typeof rows;

/** THE saga table: placeholder in infra/saga/*.asl.json → handler, database role, in the VPC or not. */
export const steps = Object.fromEntries(
  Object.entries(rows).map(([name, row]) => [name, { name, ...row }]),
) as unknown as Readonly<Record<StepName, Step>>;
