import type { RelativeRange } from '../../contract/api/report-subscriptions.ts';
import { daysAfter, monthAfter } from '../period.ts';

/** The whole days of a relative range, from the first up to the one after the last, by the day on which a report is due. */
export function daysOf(range: RelativeRange, today: string): { from: string; to: string } {
  const month = today.slice(0, 7);
  const monday = daysAfter(today, -((new Date(today).getUTCDay() + 6) % 7));
  const tomorrow = daysAfter(today, 1);
  switch (range) {
    case 'yesterday':
      return { from: daysAfter(today, -1), to: today };
    case 'last-7-days':
      return { from: daysAfter(today, -7), to: today };
    case 'last-week':
      return { from: daysAfter(monday, -7), to: monday };
    case 'last-30-days':
      return { from: daysAfter(today, -30), to: today };
    case 'last-month':
      return { from: `${monthAfter(month, -1)}-01`, to: `${month}-01` };
    case 'month-to-date':
      return { from: `${month}-01`, to: tomorrow };
    case 'year-to-date':
      return { from: `${today.slice(0, 4)}-01-01`, to: tomorrow };
    case 'last-12-months':
      return { from: `${monthAfter(month, -12)}-01`, to: `${month}-01` };
  }
}
