import type { FindingKind } from '../../contract/api/findings.ts';
import { idAt, idTimestamp } from '../../kernel/ids.ts';
import { type Checked, checkHistory, toPage } from '../monitoring/check-history.ts';
import { listPaidOrders, readOrderBalances } from './balances.sql.ts';
import { listUnseen, type Unseen } from './findings.sql.ts';
import { judgeCharge, judgePayment, type MoneyContext, type OrderBalance } from './judge-money.ts';
import { pages, type Run } from './run.ts';
import {
  dayOf,
  daysBetween,
  findInSnapshot,
  type ProviderSnapshot,
  readWindow,
  type SnapshotCharge,
} from './snapshot.dynamo.ts';
import type { Verdict } from './verdict.ts';

const kinds: readonly FindingKind[] = ['orphaned-charge', 'charge-twice', 'order-without-charge', 'amount-differs'];

/** Clocks of the provider and of ours may differ by so much. */
const skewMs = 5 * 60_000;

/** Compares the provider's transactions with the orders, from both sides, and then what a former run found once more. */
export async function lookAtMoney(run: Run, snapshot: ProviderSnapshot): Promise<Checked[]> {
  const { provider, startedAt: asOf, from, to } = snapshot;
  const context: MoneyContext = { provider, asOf, now: run.since, graceMs: run.graceSeconds * 1000 };

  const charges = await checkHistory(run, {
    name: 'reconcile-charges',
    count: async () => Number.POSITIVE_INFINITY,
    async checkSlice(after) {
      const page = await readWindow(run.store, snapshot, { after, limit: run.pageSize });
      await run.keep(await judgeCharges(run, page.charges, context));
      return { rows: page.charges.length, next: page.next };
    },
  });

  // Only orders placed and paid well within the time of the snapshot: their charges must be there.
  const before = idAt('payment', Math.min(to, asOf) - skewMs);
  const oldest = idAt('payment', from + skewMs);
  const payments = await checkHistory(run, {
    name: 'reconcile-payments',
    count: async () => Number.POSITIVE_INFINITY,
    async checkSlice(after) {
      const first = after > oldest ? after : oldest;
      const orders = await listPaidOrders(run.sql, { after: first, before, limit: run.pageSize });
      const within = orders.filter(({ orderId }) => idTimestamp(orderId) > from + skewMs);
      await run.keep(await judgePayments(run, within, context));
      return toPage(orders, run.pageSize, ({ paymentId }) => paymentId!);
    },
  });

  const since = new Date(run.since);
  const listLeft = (after: string) => listUnseen(run.sql, { kinds, since, after, limit: run.pageSize });
  for await (const unseen of pages(run.pageSize, '', listLeft, ({ id }) => id)) await lookAgain(run, unseen, context);
  return [charges, payments];
}

/** Findings that have left the time of the snapshot stay until they are put right; nothing new comes of them. */
async function lookAgain(run: Run, unseen: Unseen[], context: MoneyContext): Promise<void> {
  const orderIds = unseen.filter(({ kind }) => kind === 'order-without-charge').map(({ subject }) => subject);
  const known = unseen
    .filter(({ kind }) => kind !== 'order-without-charge')
    .flatMap(({ details }) => (details.charge as SnapshotCharge | undefined) ?? []);
  const now = await findInSnapshot(
    run.store,
    known.map(({ reference, createdAt }) => ({ reference, days: [dayOf(createdAt)] })),
  );
  const charges = known.map((charge) => now.get(charge.reference) ?? charge);
  const orders = orderIds.length === 0 ? [] : [...(await readOrderBalances(run.sql, orderIds)).values()];
  const asked = new Set(unseen.map(({ kind, subject }) => `${kind} ${subject}`));
  const verdicts = [...(await judgeCharges(run, charges, context)), ...(await judgePayments(run, orders, context))];
  await run.keep(verdicts.filter(({ kind, subject }) => asked.has(`${kind} ${subject}`)).map(withoutRepair));
}

async function judgeCharges(run: Run, charges: SnapshotCharge[], context: MoneyContext): Promise<Verdict[]> {
  const ids = [...new Set(charges.flatMap(({ orderId }) => orderId ?? []))];
  const orders = ids.length === 0 ? new Map<string, OrderBalance>() : await readOrderBalances(run.sql, ids);
  return charges.flatMap((charge) => judgeCharge(charge, orders.get(charge.orderId ?? ''), context));
}

async function judgePayments(run: Run, orders: OrderBalance[], context: MoneyContext): Promise<Verdict[]> {
  const wanted = orders.filter(({ paymentProvider }) => paymentProvider === context.provider);
  const charges = await findInSnapshot(run.store, wanted.map(whereCharged));
  return wanted.flatMap((order) => judgePayment(order, charges.get(order.paymentReference!), context));
}

/** Where the copy has the charge of an order: it is charged after it was placed and before its payment is written. */
export const whereCharged = ({ orderId, paymentId, paymentReference }: OrderBalance) => ({
  reference: paymentReference!,
  days: daysBetween(idTimestamp(orderId) - skewMs, idTimestamp(paymentId!) + skewMs).slice(0, 31),
});

function withoutRepair({ kind, subject, problem }: Verdict): Verdict {
  if (problem === undefined) return { kind, subject };
  const { details, advice } = problem;
  return { kind, subject, problem: { details, advice } };
}
