import { describe, expect, test } from 'vitest';
import { Problem } from '../../lib/contract/api/problems.ts';
import { isConnectionLoss, isOutage, isWriterSwitch } from '../../lib/kernel/outage.ts';
import { repeatPausesMs, repeatWhileWriterSwitches } from '../../lib/platform/repeat.ts';

const coded = (code: string) => Object.assign(new Error(code), { code });

/** Runs work whose attempts end as listed, the last one again and again. Pauses move the clock. */
async function play(ends: (string | Error)[], milliseconds = 9000, attemptMs = 0) {
  let now = 0;
  let attempts = 0;
  const pauses: number[] = [];
  const outcome = await repeatWhileWriterSwitches(
    async (limit) => {
      expect(limit).toBe(milliseconds - now);
      const end = ends[Math.min(attempts++, ends.length - 1)]!;
      now += attemptMs;
      if (end instanceof Error) throw end;
      return end;
    },
    {
      milliseconds,
      stopwatch: { elapsed: () => now },
      pause: async (ms) => {
        pauses.push(ms);
        now += ms;
      },
    },
  ).catch((error: Error) => error);
  return { outcome, attempts, pauses };
}

describe('work that is safe to repeat', () => {
  test.each([
    'CONNECTION_CLOSED',
    'ECONNREFUSED',
    'ECONNRESET',
    'ENOTFOUND',
    'EAI_AGAIN',
    '25006',
    '57P01',
    '57P03',
    '08006',
  ])('is repeated after %s', async (code) => {
    expect(await play([coded(code), coded(code), 'done'])).toMatchObject({ outcome: 'done', attempts: 3 });
  });

  test.each(['23505', '40001', '25P03', '42501', '57014'])(
    'is not repeated after %s, which is no switch',
    async (code) => {
      const error = coded(code);
      expect(await play([error])).toMatchObject({ outcome: error, attempts: 1 });
    },
  );

  test('ends with the last error, after four attempts whose pauses grow and differ', async () => {
    const last = coded('25006');
    const { outcome, attempts, pauses } = await play([coded('CONNECTION_CLOSED'), coded('ECONNREFUSED'), last]);
    expect({ outcome, attempts }).toEqual({ outcome: last, attempts: 4 });
    for (const [index, pause] of pauses.entries()) {
      expect(pause).toBeLessThanOrEqual(repeatPausesMs[index]!);
      expect(pause).toBeGreaterThanOrEqual(repeatPausesMs[index]! / 2);
    }
  });

  test('is not begun again when its caller would no longer wait', async () => {
    expect(await play([coded('CONNECTION_CLOSED')], 1000, 600)).toMatchObject({ attempts: 1 });
  });

  test('waits for its own first attempt, and not for another request with its key', async () => {
    const inFlight = new Problem('request-in-flight', 'The first request is still running.');
    expect(await play([coded('CONNECTION_CLOSED'), inFlight, 'done'])).toMatchObject({ outcome: 'done', attempts: 3 });
    expect(await play([inFlight, 'done'])).toMatchObject({ outcome: inFlight, attempts: 1 });
  });
});

test('a session that may only read is an outage, and its connection is not used again', () => {
  expect(isOutage(coded('25006'))).toBe(true);
  expect(isConnectionLoss(coded('25006'))).toBe(true);
  expect(isWriterSwitch(new AggregateError([coded('ECONNREFUSED'), coded('ECONNREFUSED')]))).toBe(true);
});
