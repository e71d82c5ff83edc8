import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { failedReportMailOf, reportMailOf } from '../../lib/accounts/mail/report-texts.ts';
import { queryFor, totalsOf } from '../../lib/analytics/named-reports.ts';
import { daysOf } from '../../lib/analytics/subscriptions/range.ts';
import { dueAfter } from '../../lib/analytics/subscriptions/schedule.ts';
import { type ReportSchedule, relativeRanges } from '../../lib/contract/api/report-subscriptions.ts';
import { applicationSuspended, isFor, reportSent } from '../../lib/contract/events/domain-events.ts';

/** The next due times after a moment. */
function dueTimes(schedule: ReportSchedule, from: string, count: number): string[] {
  const times: number[] = [];
  for (let at = Date.parse(from); times.length < count; times.push(at)) at = dueAfter(schedule, at);
  return times.map((at) => new Date(at).toISOString().slice(0, 16));
}

describe('a schedule', () => {
  const daily = (hour: number, zone: string) => ({ every: 'day', hour, zone }) as const;

  test('stays at its hour when the clocks move', () => {
    expect(dueTimes(daily(8, 'Europe/Berlin'), '2026-03-28T00:00Z', 3)).toEqual([
      '2026-03-28T07:00',
      '2026-03-29T06:00',
      '2026-03-30T06:00',
    ]);
    expect(dueTimes({ every: 'week', hour: 8, weekday: 1, zone: 'America/New_York' }, '2026-10-25T00:00Z', 2)).toEqual([
      '2026-10-26T12:00',
      '2026-11-02T13:00',
    ]);
  });

  test('is due once a day also at an hour that the clocks leave out or repeat', () => {
    expect(dueTimes(daily(2, 'Europe/Berlin'), '2026-03-28T12:00Z', 2)).toEqual([
      '2026-03-29T01:00',
      '2026-03-30T00:00',
    ]);
    expect(dueTimes(daily(2, 'Europe/Berlin'), '2026-10-24T12:00Z', 2)).toEqual([
      '2026-10-25T00:00',
      '2026-10-26T01:00',
    ]);
    expect(dueTimes(daily(0, 'America/Havana'), '2026-03-07T12:00Z', 2)).toEqual([
      '2026-03-08T05:00',
      '2026-03-09T04:00',
    ]);
  });

  test('of each month and week begins with the first and with Monday', () => {
    expect(dueTimes({ every: 'month', hour: 6, zone: 'UTC' }, '2026-01-15T00:00Z', 2)).toEqual([
      '2026-02-01T06:00',
      '2026-03-01T06:00',
    ]);
    expect(dueTimes({ every: 'week', hour: 6, zone: 'UTC' }, '2026-11-25T00:00Z', 1)).toEqual(['2026-11-30T06:00']);
    expect(dueTimes({ every: 'week', hour: 6, weekday: 7, zone: 'UTC' }, '2026-11-25T00:00Z', 1)).toEqual([
      '2026-11-29T06:00',
    ]);
  });

  test('leaves no day out and doubles none, in any zone', () => {
    const zone = fc.constantFrom('UTC', 'Europe/Berlin', 'America/Sao_Paulo', 'Australia/Lord_Howe', 'Asia/Beirut');
    const moment = fc.integer({ min: Date.parse('2015-01-01'), max: Date.parse('2030-01-01') });
    fc.assert(
      fc.property(zone, fc.integer({ min: 0, max: 23 }), moment, (name, hour, from) => {
        const days = dueTimes(daily(hour, name), new Date(from).toISOString(), 30).map((at) =>
          new Date(`${at}Z`).toLocaleDateString('sv', { timeZone: name }),
        );
        const expected = days.map((_, n) =>
          new Date(Date.parse(days[0]!) + n * 24 * 3600_000).toISOString().slice(0, 10),
        );
        expect(days).toEqual(expected);
      }),
      { numRuns: 200 },
    );
  });
});

describe('a range', () => {
  test('has whole days by the day on which it is due', () => {
    const of = (today: string) => relativeRanges.map((range) => Object.values(daysOf(range, today)).join(' '));
    expect(of('2026-03-01')).toEqual([
      '2026-02-28 2026-03-01',
      '2026-02-22 2026-03-01',
      '2026-02-16 2026-02-23',
      '2026-01-30 2026-03-01',
      '2026-02-01 2026-03-01',
      '2026-03-01 2026-03-02',
      '2026-01-01 2026-03-02',
      '2025-03-01 2026-03-01',
    ]);
    expect(daysOf('last-week', '2026-11-30')).toEqual({ from: '2026-11-23', to: '2026-11-30' });
  });

  test('becomes months for a report of months, and nothing for one of now', () => {
    const days = { from: '2026-01-30', to: '2026-03-02', zone: 'UTC' };
    expect(queryFor('cohorts', {}, days)).toEqual({ from: '2026-01', to: '2026-04', zone: 'UTC' });
    expect(queryFor('cohorts', {}, { ...days, to: '2026-03-01' })).toMatchObject({ to: '2026-03' });
    expect(queryFor('stock', { days: 7 }, undefined)).toEqual({ days: 7 });
    expect(queryFor('sales', { groupBy: 'week' }, days)).toEqual({ groupBy: 'week', ...days });
  });
});

test('the event of a report goes to endpoints of the application that subscribed, and other events to all', () => {
  const { type, example: data } = reportSent;
  expect(isFor({ type, data }, data.applicationId)).toBe(true);
  expect(isFor({ type, data }, `app_${'0'.repeat(32)}`)).toBe(false);
  const suspended = { type: applicationSuspended.type, data: applicationSuspended.example };
  expect(isFor(suspended, `app_${'0'.repeat(32)}`)).toBe(true);
});

describe('the mail of a report', () => {
  const news = {
    name: 'Every morning',
    report: 'sales',
    zone: 'Europe/Berlin',
    days: { from: '2026-11-28', to: '2026-11-29' },
    subscriptionId: 'rsb_1',
  };
  const made = { asOf: '2026-11-29T07:00:00.000Z', stale: false, history: 'used', rows: 2, attached: true };

  test('has totals by currency, never added, and says as of when they are', () => {
    const rows = [
      { key: 'a', currency: 'EUR', units: 2, sales: 1999, refunds: 3000, net: -1001 },
      { key: 'b', currency: 'JPY', units: 1, sales: 500, refunds: null, net: 500 },
      { key: 'c', currency: 'EUR', units: 1, sales: 1, refunds: 0, net: 1 },
    ];
    const { subject, text } = reportMailOf(news, { ...made, totals: totalsOf('sales', rows) });
    expect(subject).toBe('Every morning 2026-11-28 to 2026-11-28');
    expect(text).toContain(
      'EUR\nunits: 3\nsales: 20.00\nrefunds: 30.00\nnet: -10.00\n\nJPY\nunits: 1\nsales: 500\nnet: 500\n',
    );
    expect(text).toContain('2 rows, which are attached.\n\nAs of 2026-11-29T07:00:00.000Z.\n\nSubscription: rsb_1\n');
    expect(text).not.toMatch(/older|warehouse/);
  });

  test('says when figures are old, when history was never loaded, and why there is no report', () => {
    const { text } = reportMailOf(news, { ...made, stale: true, history: 'never-loaded', totals: [] });
    expect(text).toMatch(/older than they usually are.*\n\nThe warehouse was never loaded/);
    const failed = failedReportMailOf(news, { reason: 'history-broken', detail: 'The file x is missing.' });
    expect(failed.subject).toMatch(/: failed$/);
    expect(failed.text).toMatch(/could not be made\. The file x is missing\.\n\n.*history-broken/);
  });
});
