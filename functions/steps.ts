import type { DatabaseRole } from '../lib/contract/deploy/roles.ts';
import type { TableGrants } from '../lib/contract/deploy/route.ts';

export type Step = {
  name: string;
  /** File under functions/, without its ending. */
  door: string;
  /** PostgreSQL login role; null for a door that stays outside the VPC and touches no database. */
  databaseRole: DatabaseRole | null;
  /** Talks to the payment provider: gets its key and, for the simulated one, its table. */
  provider: boolean;
  /** The step that undoes this one; null where there is nothing to undo. */
  undoneBy: string | null;
  tables?: TableGrants;
  /** What the door does with the state machine. */
  states?: readonly 'SendTaskSuccess'[];
};

const rows = {
  ReserveStock: { door: 'saga/reserve-stock', databaseRole: 'saga', provider: false, undoneBy: 'ReleaseStock' },
  ChargePayment: { door: 'saga/charge-payment', databaseRole: null, provider: true, undoneBy: 'RefundPayment' },
  AwaitPayment: {
    door: 'saga/await-payment',
    databaseRole: 'saga',
    provider: false,
    undoneBy: 'RefundPayment',
    tables: { awaitedPayments: ['UpdateItem'] },
    states: ['SendTaskSuccess'],
  },
  ConfirmOrder: { door: 'saga/confirm-order', databaseRole: 'saga', provider: false, undoneBy: 'AbandonOrder' },
  AbandonOrder: { door: 'saga/abandon-order', databaseRole: 'saga', provider: false, undoneBy: null },
  RefundPayment: { door: 'saga/refund-payment', databaseRole: null, provider: true, undoneBy: null },
  RefundPart: { door: 'saga/refund-part', databaseRole: null, provider: true, undoneBy: null },
  SettleRefund: { door: 'saga/settle-refund', databaseRole: 'saga', provider: false, undoneBy: null },
  ReleaseStock: { door: 'saga/release-stock', databaseRole: 'saga', provider: false, undoneBy: null },
  CloseOrder: { door: 'saga/close-order', databaseRole: 'saga', provider: false, undoneBy: null },
  FlagOrder: { door: 'saga/flag-order', databaseRole: 'saga', provider: false, undoneBy: null },
} as const satisfies Record<string, Omit<Step, 'name'>>;

export type StepName = keyof typeof rows;

/** THE saga table: placeholder in infra/saga/order.asl.json → door, database role, in the VPC or not. */
export const steps = Object.fromEntries(
  Object.entries(rows).map(([name, row]) => [name, { name, ...row }]),
) as unknown as Readonly<Record<StepName, Step>>;
