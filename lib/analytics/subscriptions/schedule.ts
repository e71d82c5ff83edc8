import { Cron } from 'croner';
import type { ReportSchedule } from '../../contract/api/report-subscriptions.ts';

/**
 * The next time that a schedule is due after a moment, both in milliseconds since the epoch. An hour that the clocks leave out is due
 * at the first moment after the gap, and one that they repeat at the first of both.
 */
export function dueAfter({ every, hour, weekday = 1, day = 1, zone }: ReportSchedule, moment: number): number {
  const days = { day: '* * *', week: `* * ${weekday % 7}`, month: `${day} * *` }[every];
  const next = new Cron(`0 0 ${hour} ${days}`, { timezone: zone, paused: true }).nextRun(new Date(moment));
  return next!.getTime();
}
