import { expect, test } from 'vitest';
import { retention } from '../../lib/analytics/cohorts.ts';

const row = (cohort: string, month: string, customers: number) => ({ cohort, month, customers, orders: customers });

test('a cohort stands beside that of a year before, and months without orders are there with zero', () => {
  const rows = [
    row('2024-12', '2024-12', 8),
    row('2024-12', '2025-01', 2),
    row('2025-12', '2025-12', 3),
    row('2025-12', '2026-02', 1),
    row('2026-02', '2026-02', 5),
  ];
  expect(retention(rows, '2025-12', '2026-02')).toEqual([
    {
      cohort: '2025-12',
      month: '2025-12',
      age: 0,
      customers: 3,
      orders: 3,
      retentionPercent: 100,
      yearBeforePercent: 100,
    },
    {
      cohort: '2025-12',
      month: '2026-01',
      age: 1,
      customers: 0,
      orders: 0,
      retentionPercent: 0,
      yearBeforePercent: 25,
    },
    {
      cohort: '2025-12',
      month: '2026-02',
      age: 2,
      customers: 1,
      orders: 1,
      retentionPercent: 33.3,
      yearBeforePercent: 0,
    },
    {
      cohort: '2026-02',
      month: '2026-02',
      age: 0,
      customers: 5,
      orders: 5,
      retentionPercent: 100,
      yearBeforePercent: null,
    },
  ]);
});
