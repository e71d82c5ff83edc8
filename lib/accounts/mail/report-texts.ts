import { amountText } from './order-texts.ts';

/** What a mail says of a report that was due. */
export type ReportNews = {
  name: string;
  report: string;
  zone: string;
  /** From the first day up to the one after the last; undefined for a report of now. */
  days: { from: string; to: string } | undefined;
  subscriptionId: string;
};
export type MadeReport = {
  asOf: string;
  stale: boolean;
  history: string | undefined;
  totals: readonly { currency: string; sums: Readonly<Record<string, number>> }[];
  rows: number;
  attached: boolean;
};

type Text = { subject: string; text: string };

/** The mail with a report's summary. */
export function reportMailOf(news: ReportNews, made: MadeReport): Text {
  const { totals, rows, attached, asOf, stale, history } = made;
  const files =
    rows === 0
      ? 'There are no figures for it.'
      : `It has ${rows} ${rows === 1 ? 'row' : 'rows'}${attached ? ', which are attached' : ''}.`;
  return mailOf(news, [
    ...totals.map(({ currency, sums }) => totalsText(currency, sums)),
    files,
    `As of ${asOf}.`,
    ...(stale ? ['These figures are older than they usually are: ask again later for newer ones.'] : []),
    ...(history === undefined || history in fine ? [] : [noHistory[history] ?? `History: ${history}.`]),
  ]);
}

/** The mail that a report could not be made. */
export const failedReportMailOf = (news: ReportNews, { reason, detail }: { reason: string; detail: string }): Text => {
  const { subject, text } = mailOf(news, [
    `The report could not be made. ${detail}`,
    `What it would have said is not sent later. Problem: ${reason}.`,
  ]);
  return { subject: `${subject}: failed`, text };
};

const fine: Readonly<Record<string, true>> = { used: true, 'not-needed': true, 'no-warehouse': true };
const noHistory: Readonly<Record<string, string>> = {
  'never-loaded': 'The warehouse was never loaded, so that the shop’s database answered for the whole period.',
  'other-database':
    'The warehouse was loaded from another database, so that the shop’s database answered for the whole period.',
};

function mailOf({ name, report, zone, days, subscriptionId }: ReportNews, paragraphs: readonly string[]): Text {
  const period = days === undefined ? '' : ` ${days.from} to ${dayBefore(days.to)}`;
  const subject = `${name}${period}`;
  const of = days === undefined ? `Report: ${report}.` : `Report: ${report},${period} (${zone}).`;
  return { subject, text: `${[of, ...paragraphs, `Subscription: ${subscriptionId}`].join('\n\n')}\n` };
}

/** Counts as they are, amounts in the currency. */
const totalsText = (currency: string, sums: Readonly<Record<string, number>>): string =>
  [
    currency,
    ...Object.entries(sums).map(([what, sum]) => `${what}: ${what === 'units' ? sum : signedAmount(sum, currency)}`),
  ].join('\n');

const signedAmount = (sum: number, currency: string): string => {
  const digits = amountText({ amount: Math.abs(sum), currency }).slice(currency.length + 1);
  return sum < 0 ? `-${digits}` : digits;
};

const dayBefore = (day: string): string => new Date(Date.parse(day) - 24 * 3600_000).toISOString().slice(0, 10);
