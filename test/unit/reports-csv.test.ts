import { describe, expect, test } from 'vitest';
import { periodOf } from '../../lib/analytics/period.ts';
import { prefersCsv, toCsv } from '../../lib/http/csv.ts';

describe('CSV', () => {
  test('quotes what needs it, and disarms what a spreadsheet would run', () => {
    const at = new Date(0);
    const rows = [
      { name: 'Mug, "blue"', n: -5, at, none: null },
      { name: '=HYPERLINK("x")', n: 1, at, none: null },
      { name: 'two\nlines', n: 0, at, none: null },
    ];
    expect(toCsv(['name', 'n', 'at', 'none'], rows).split('\r\n')).toEqual([
      'name,n,at,none',
      '"Mug, ""blue""",-5,1970-01-01T00:00:00.000Z,',
      `"'=HYPERLINK(""x"")",1,1970-01-01T00:00:00.000Z,`,
      '"two\nlines",0,1970-01-01T00:00:00.000Z,',
      '',
    ]);
    expect(toCsv(['name'], [])).toBe('name\r\n');
  });

  test.each([
    [undefined, false],
    ['*/*', false],
    ['application/json', false],
    ['text/csv', true],
    ['text/*', true],
    ['TEXT/CSV; header=present', true],
    ['application/json, text/csv', false],
    ['text/csv, application/json;q=0.5', true],
    ['text/csv;q=0.4, */*;q=0.5', false],
    ['text/csv;q=0', false],
    ['text/csv;q=nonsense', false],
  ])('is what a client that accepts %s gets: %s', (accept, wanted) => {
    expect(prefersCsv(accept)).toBe(wanted);
  });
});

describe('a period', () => {
  const clock = { now: () => Date.parse('2026-11-29T23:30:00Z') };

  test('ends with today in its zone, and has thirty days', () => {
    expect(periodOf({ zone: 'UTC' }, clock)).toEqual({ from: '2026-10-31', to: '2026-11-30', zone: 'UTC' });
    expect(periodOf({ zone: 'Asia/Tokyo' }, clock).to).toBe('2026-12-01');
    expect(periodOf({ zone: 'UTC', to: '2024-03-31' }, clock).from).toBe('2024-03-01');
  });

  test('is refused when it is empty, reversed, or longer than ten years', () => {
    const ask = (from: string, to: string) => () => periodOf({ zone: 'UTC', from, to }, clock);
    expect(ask('2026-01-02', '2026-01-01')).toThrow(expect.objectContaining({ code: 'period-reversed' }));
    expect(ask('2026-01-01', '2026-01-01')).toThrow(expect.objectContaining({ code: 'period-reversed' }));
    expect(ask('2015-12-31', '2026-01-01')).toThrow(expect.objectContaining({ code: 'period-too-long' }));
    expect(ask('2016-01-01', '2026-01-01')()).toMatchObject({ from: '2016-01-01' });
    expect(() => periodOf({ zone: 'UTC', from: '2027-01-01' }, clock)).toThrow(
      expect.objectContaining({ code: 'period-reversed' }),
    );
  });
});
