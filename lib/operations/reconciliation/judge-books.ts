import { keptOf, type OrderBalance } from './judge-money.ts';
import type { SnapshotCharge } from './snapshot.dynamo.ts';
import { type Verdict, verdict } from './verdict.ts';

/** An order that became a sale, with what it was paid with; the amounts of its payment are as the provider counts them. */
export type BookedSale = OrderBalance & { paid: number | null };

/** Money that was taken, and what was given back of it until now. */
type Money = { taken: number; givenBack: number };

/** A day of one currency, as each of the three says it. */
export type DayOfBooks = {
  /** What became a sale on the day, and what was given back on it. */
  reports: { sales: number; refunds: number };
  orders: {
    sales: number;
    refunds: number;
    /** What the payments of these sales are for. It must be what they cost. */
    paid: number;
  };
  /** Of the sales that can be compared with the provider: by our payments, and by the provider's transactions. */
  payments: Money;
  provider: Money;
  /** Where orders, payments and transactions of single orders differ, as far as they are listed. */
  rows: { subject: string; [figure: string]: unknown }[];
};

export type Side = 'reports' | 'orders' | 'provider';

const advice: Readonly<Record<Side, string>> = {
  reports:
    'The reports add up to something else than the orders, and the provider agrees with the orders: load the warehouse again, and check it by npm run warehouse -- check, which names the rows.',
  orders:
    'The orders contradict their own payments, or both other sides: somebody wrote past the triggers; see the orders that are named, and the audit.',
  provider:
    'The provider’s transactions add up to something else than our payments, and the reports agree with the orders: look the transactions that are named up at the provider.',
};

/** Which side is wrong: the one that the others do not agree with. Undefined when all three are equal. */
export function wrongSide({ reports, orders, payments, provider }: DayOfBooks): Side | undefined {
  const reportsAgree = reports.sales === orders.sales && reports.refunds === orders.refunds;
  const providerAgrees = payments.taken === provider.taken && payments.givenBack === provider.givenBack;
  if (orders.sales !== orders.paid || (!reportsAgree && !providerAgrees)) return 'orders';
  if (!reportsAgree) return 'reports';
  return providerAgrees ? undefined : 'provider';
}

/** Compares a day of one currency. */
export function judgeDay(day: string, currency: string, books: DayOfBooks): Verdict {
  const subject = subjectOf(day, currency);
  const wrong = wrongSide(books);
  if (wrong === undefined) return verdict('books-differ', subject);
  const { rows, ...figures } = books;
  const details = {
    day,
    currency,
    wrong,
    ...figures,
    rows: rows.slice(0, mostRows),
    more: Math.max(0, rows.length - mostRows),
  };
  return verdict('books-differ', subject, { details, advice: advice[wrong] });
}

const mostRows = 10;

export const subjectOf = (day: string, currency: string): string => `${day} ${currency}`;

/** Adds up a day, row by row. */
export function openDay() {
  const days = new Map<string, DayOfBooks>();
  const of = (currency: string): DayOfBooks => {
    const known = days.get(currency);
    if (known !== undefined) return known;
    const made: DayOfBooks = {
      reports: { sales: 0, refunds: 0 },
      orders: { sales: 0, refunds: 0, paid: 0 },
      payments: { taken: 0, givenBack: 0 },
      provider: { taken: 0, givenBack: 0 },
      rows: [],
    };
    days.set(currency, made);
    return made;
  };
  return {
    days,
    addReports(currency: string, figures: DayOfBooks['reports']) {
      of(currency).reports = figures;
    },
    addRefunds(currency: string, amount: number) {
      of(currency).orders.refunds += amount;
    },
    addSale({ orderId, total, currency, paid, paymentCurrency }: BookedSale) {
      of(currency).orders.sales += total;
      if (paid !== null) of(paymentCurrency!).orders.paid += paid;
      if (total !== paid || currency !== paymentCurrency)
        of(currency).rows.push({ subject: orderId, total, currency, paid, paidIn: paymentCurrency });
    },
    /** A sale that the provider took the money for, beside its transaction, if there is one. */
    addPayment(sale: BookedSale, charge: SnapshotCharge | undefined) {
      const ours = { ...moneyOfPayment(sale), currency: sale.paymentCurrency! };
      const theirs = { ...moneyOfCharge(charge), currency: charge?.currency ?? ours.currency };
      plus(of(ours.currency).payments, ours);
      plus(of(theirs.currency).provider, theirs);
      if (ours.taken !== theirs.taken || ours.givenBack !== theirs.givenBack || ours.currency !== theirs.currency)
        of(ours.currency).rows.push({ subject: sale.orderId, reference: sale.paymentReference, ours, theirs });
    },
    /** A transaction that no sale is paid by: what the provider keeps of it should be nothing. */
    addStray(charge: SnapshotCharge) {
      const { reference, orderId, currency } = charge;
      of(currency).provider.taken += keptOf(charge);
      of(currency).rows.push({ subject: reference, orderId, kept: keptOf(charge) });
    },
  };
}

function plus(sum: Money, { taken, givenBack }: Money): void {
  sum.taken += taken;
  sum.givenBack += givenBack;
}

/** What was held and never taken is nothing on either side. */
const moneyOfPayment = ({ paymentStatus, paymentAmount, paymentRefunded }: BookedSale): Money =>
  paymentStatus === 'voided' ? nothing : { taken: paymentAmount ?? 0, givenBack: paymentRefunded ?? 0 };

const moneyOfCharge = (charge: SnapshotCharge | undefined): Money =>
  charge?.status === 'captured' || charge?.status === 'authorized'
    ? { taken: charge.amount, givenBack: charge.refundedAmount }
    : nothing;

const nothing: Money = { taken: 0, givenBack: 0 };
