import type { Sql } from 'postgres';
import type { Clock } from '../../kernel/clock.ts';
import { readOrderBalances } from './balances.sql.ts';
import { listBookedSales, sumBookedRefunds } from './books.sql.ts';
import { listUnseen, saveVerdicts } from './findings.sql.ts';
import { type BookedSale, judgeDay, openDay } from './judge-books.ts';
import { isComparable, keptOf } from './judge-money.ts';
import { whereCharged } from './look-at-money.ts';
import { pages } from './run.ts';
import {
  dayOf,
  daysBetween,
  findInSnapshot,
  type ProviderSnapshot,
  readSnapshot,
  readWindow,
  type SnapshotCharge,
  type SnapshotStore,
} from './snapshot.dynamo.ts';
import { type Verdict, verdict } from './verdict.ts';

/** What the reports say of a day in UTC, as YYYY-MM-DD. */
export type ReportedDay = { day: string; currency: string; sales: number; refunds: number };

export type BooksDeps = {
  sql: Sql;
  store: SnapshotStore;
  clock: Clock;
  /** How many days back books are compared; findings of older days are looked at until they are put right. */
  days: number;
  /** What a report over whole days says: from the first up to, and without, the second. */
  readReports: (from: string, to: string) => Promise<ReportedDay[]>;
  onFinding: (found: Verdict) => void;
  pageSize?: number;
};

const dayMs = 24 * 3600_000;
/** What happened on a day is written, and copied from the provider, by so long after it. */
const settleMs = 3600_000;

const add = (day: string, days: number): string => dayOf(Date.parse(day) + days * dayMs);

/**
 * Compares, by day and currency, what the reports say was sold and given back, what orders and payments say, and what the
 * provider's transactions say. What differs is kept as a finding until it is equal again.
 */
export async function reconcileBooks(deps: BooksDeps): Promise<{ days: number; found: number }> {
  const { sql, store, clock, pageSize = 5000 } = deps;
  const now = clock.now();
  const snapshot = await readSnapshot(store);
  const listOpen = (after: string) =>
    listUnseen(sql, { kinds: ['books-differ'], since: new Date(now), after, limit: pageSize });
  const open = [];
  for await (const some of pages(pageSize, '', listOpen, ({ id }) => id)) open.push(...some);

  const last = add(dayOf(now - settleMs), -1);
  const usual = daysBetween(Date.parse(add(last, 1 - deps.days)), Date.parse(last));
  const days = [...new Set([...open.map(({ details }) => details.day as string), ...usual])].toSorted();
  const reported = await deps.readReports(days[0]!, add(days.at(-1)!, 1));

  let found = 0;
  for (const day of days) {
    const books = await addUp(deps, day, snapshot, pageSize);
    for (const row of reported.filter((each) => each.day === day)) {
      const { currency, sales, refunds } = row;
      books.addReports(currency, { sales, refunds });
    }
    const verdicts = [...books.days].map(([currency, figures]) => judgeDay(day, currency, figures));
    const judged = new Set(verdicts.map(({ subject }) => subject));
    // A currency of which nothing is left on any side is equal too.
    const gone = open.filter(({ subject, details }) => details.day === day && !judged.has(subject));
    const all = [...verdicts, ...gone.map(({ subject }) => verdict('books-differ', subject))];
    for (const each of await saveVerdicts(sql, all, clock)) {
      found += 1;
      deps.onFinding(each);
    }
  }
  return { days: days.length, found };
}

/** What the shop's books and the provider say of a day. */
async function addUp({ sql, store }: BooksDeps, day: string, snapshot: ProviderSnapshot | undefined, limit: number) {
  const books = openDay();
  for (const [currency, amount] of await sumBookedRefunds(sql, day)) books.addRefunds(currency, amount);
  const charges = isCovered(day, snapshot) ? await chargesOf(store, day, limit) : undefined;
  const list = (after: string) => listBookedSales(sql, { day, after, limit });
  for await (const sales of pages(limit, '', list, ({ orderId }) => orderId)) {
    for (const sale of sales) books.addSale(sale);
    if (charges !== undefined) await addPayments(books, store, sales, charges, snapshot!);
  }
  if (charges !== undefined) await addStrays(books, sql, [...charges.values()], snapshot!);
  return books;
}

/** Whether the copy of the provider's transactions has every charge of a day. */
const isCovered = (day: string, snapshot: ProviderSnapshot | undefined): boolean =>
  snapshot !== undefined && Date.parse(add(day, 1)) < Math.min(snapshot.to, snapshot.startedAt);

/** The charges that were made on a day, by reference. Those that are looked at are taken out. */
async function chargesOf(store: SnapshotStore, day: string, limit: number): Promise<Map<string, SnapshotCharge>> {
  const charges = new Map<string, SnapshotCharge>();
  const window = { from: Date.parse(day), to: Date.parse(add(day, 1)) - 1 };
  for (let after: string | undefined = ''; after !== undefined && !after.startsWith('older'); ) {
    const page: Awaited<ReturnType<typeof readWindow>> = await readWindow(store, window, { after, limit });
    for (const charge of page.charges) charges.set(charge.reference, charge);
    after = page.next;
  }
  return charges;
}

async function addPayments(
  books: ReturnType<typeof openDay>,
  store: SnapshotStore,
  sales: readonly BookedSale[],
  charges: Map<string, SnapshotCharge>,
  { provider, startedAt: asOf }: ProviderSnapshot,
): Promise<void> {
  const paid = sales.filter(({ paymentProvider }) => paymentProvider === provider);
  // A customer may pay on one day, and the order be confirmed on the next.
  const others = paid.filter(({ paymentReference }) => !charges.has(paymentReference!));
  const elsewhere = await findInSnapshot(store, others.map(whereCharged));
  for (const sale of paid) {
    const charge = charges.get(sale.paymentReference!) ?? elsewhere.get(sale.paymentReference!);
    charges.delete(sale.paymentReference!);
    if (isComparable(sale, { asOf })) books.addPayment(sale, charge);
  }
}

/** Money that the provider keeps for no sale. An order that is open, or that became a sale on another day, is none of this day's. */
async function addStrays(
  books: ReturnType<typeof openDay>,
  sql: Sql,
  left: readonly SnapshotCharge[],
  { provider, startedAt: asOf }: ProviderSnapshot,
): Promise<void> {
  const kept = left.filter((charge) => keptOf(charge) > 0);
  if (kept.length === 0) return;
  const orders = await readOrderBalances(sql, [...new Set(kept.flatMap(({ orderId }) => orderId ?? []))]);
  for (const charge of kept) {
    const order = orders.get(charge.orderId ?? '');
    const isItsPayment = order?.paymentProvider === provider && order.paymentReference === charge.reference;
    if (order === undefined || (!isItsPayment && isComparable(order, { asOf }))) books.addStray(charge);
  }
}
