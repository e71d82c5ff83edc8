import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';

type Rule = {
  ErrorEquals: string[];
  MaxAttempts?: number;
  JitterStrategy?: string;
  ResultPath?: string;
  Next?: string;
};
type State = {
  Type: string;
  Next?: string;
  ResultPath?: string;
  TimeoutSeconds?: number;
  TimeoutSecondsPath?: string;
  Retry?: Rule[];
  Catch?: Rule[];
};

const machine = JSON.parse(readFileSync(new URL('../../infra/saga/order.asl.json', import.meta.url), 'utf8')) as {
  TimeoutSeconds?: number;
  States: Record<string, State>;
};
const tasks = Object.entries(machine.States).filter(([, { Type }]) => Type === 'Task');

test('no execution goes on for ever', () => {
  expect(machine.TimeoutSeconds).toBeGreaterThan(0);
});

describe.each(tasks)('the step %s', (name, state) => {
  test('is not waited for without end', () => {
    expect(state.TimeoutSeconds ?? state.TimeoutSecondsPath).toBeTruthy();
  });

  test('keeps what came before it, whatever it answers or fails with', () => {
    const paths = [state, ...(state.Catch ?? [])].map(({ ResultPath }) => ResultPath);
    // Whoever gives a task token back brings no news, so nothing is kept of it.
    if (name === 'AwaitPayment') expect(paths.shift()).toBeNull();
    for (const path of paths) expect(path).toMatch(/^\$\.\w+$/);
  });

  test('is tried again on any error but those that are final, at moments that chance sets apart', () => {
    const [any, ...final] = state.Retry!.toReversed();
    expect(any).toMatchObject({ ErrorEquals: ['States.ALL'], JitterStrategy: 'FULL' });
    expect(any!.MaxAttempts).toBeGreaterThan(1);
    for (const rule of final) expect(rule.MaxAttempts).toBe(0);
  });

  test('leads somewhere when it fails for good, unless it is the last resort', () => {
    const last = state.Catch?.at(-1);
    if (name === 'RequestManualReview' || name === 'ReturnCharge') expect(last).toBeUndefined();
    else expect(last).toMatchObject({ ErrorEquals: ['States.ALL'], Next: expect.any(String) });
  });
});
