import { expect, test } from 'vitest';
import { changesOfAlarms, messageOf } from '../../infra/local/console/alarm-watch.ts';
import type { AlarmView } from '../../infra/local/console/overview.ts';
import { readNotices } from '../../lib/operations/notices/notice.ts';

const alarm = (name: string, state: AlarmView['state'], value: number | null = 7): AlarmView => ({
  name,
  description: 'It is stuck. What to do: https://example.com/runbooks/stuck.md',
  state,
  value,
  threshold: 5,
});

test('an alarm makes a change when its state is another than at the look before', () => {
  const changes = changesOfAlarms();
  const at = (...all: AlarmView[]) => changes(all).map((change) => `${change.alarm} ${change.state}`);
  expect(at(alarm('a', 'alarm'), alarm('b', 'ok'), alarm('c', 'waiting'), alarm('d', 'unmeasured'))).toEqual([
    'counterfoil-local-a ALARM',
    'counterfoil-local-b OK',
  ]);
  expect(at(alarm('a', 'alarm'), alarm('b', 'ok'), alarm('c', 'waiting'))).toEqual([]);
  // Without data it is neither, and what comes after is compared with what was before.
  expect(at(alarm('a', 'waiting'), alarm('b', 'alarm'), alarm('c', 'ok'))).toEqual([
    'counterfoil-local-b ALARM',
    'counterfoil-local-c OK',
  ]);
  expect(at(alarm('a', 'ok'))).toEqual(['counterfoil-local-a OK']);
});

test('the function that tells people reads such changes as it reads those of SNS', () => {
  const changes = changesOfAlarms()([alarm('a', 'alarm', 7.123)]);
  expect(readNotices(messageOf(changes, '2031-01-01T00:00:00.000Z'))).toEqual([
    {
      alarm: 'counterfoil-local-a',
      state: 'alarm',
      changedAt: Date.UTC(2031, 0, 1),
      means: 'It is stuck.',
      runbook: 'https://example.com/runbooks/stuck.md',
      reason: 'The last value is 7.12, the threshold 5.',
    },
  ]);
});
