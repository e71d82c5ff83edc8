import type { AlarmView } from './overview.ts';

/** An alarm's new state, as CloudWatch would tell of it. */
export type AlarmChange = { alarm: string; description: string; state: 'ALARM' | 'OK'; reason: string };

/**
 * Finds which alarms have changed since the last look. Its first look finds all that are known: whoever takes them compares them with
 * what they were told before.
 */
export function changesOfAlarms(): (alarms: readonly AlarmView[]) => AlarmChange[] {
  const last = new Map<string, AlarmView['state']>();
  return (alarms) => {
    const changed = alarms.filter(
      ({ name, state }) => (state === 'ok' || state === 'alarm') && last.get(name) !== state,
    );
    for (const { name, state } of changed) last.set(name, state);
    return changed.map(({ name, description, state, value, threshold }) => ({
      alarm: `counterfoil-local-${name}`,
      description,
      state: state === 'alarm' ? 'ALARM' : 'OK',
      reason: value === null ? 'There are no data.' : `The last value is ${round(value)}, the threshold ${threshold}.`,
    }));
  };
}

const round = (value: number): number => Math.round(value * 100) / 100;

/** What SNS would bring to the function that tells people. `at` is RFC 3339. */
export const messageOf = (changes: readonly AlarmChange[], at: string) => ({
  Records: changes.map(({ alarm, description, state, reason }) => ({
    Sns: {
      Message: JSON.stringify({
        AlarmName: alarm,
        AlarmDescription: description,
        NewStateValue: state,
        NewStateReason: reason,
        StateChangeTime: at,
      }),
    },
  })),
});
