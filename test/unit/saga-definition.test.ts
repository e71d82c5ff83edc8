import { describe, expect, test } from 'vitest';
import { definitions, stepOf } from '../support/definitions.ts';

const tasks = Object.entries(definitions).flatMap(([machine, { States }]) =>
  Object.entries(States).flatMap(([name, state]) => (state.Type === 'Task' ? [{ machine, name, state }] : [])),
);

test.each(Object.entries(definitions))('no execution of %s goes on for ever', (_, { TimeoutSeconds }) => {
  expect(TimeoutSeconds).toBeGreaterThan(0);
});

test('a state that two machines have is the same in both', () => {
  const { placing, compensating, refunding } = definitions;
  const shared = Object.keys(placing.States).filter((name) => name in compensating.States);
  expect(shared).toEqual([
    'RefundPayment',
    'ReleaseStock',
    'Compensated',
    'CloseOrder',
    'RequestManualReview',
    'InManualReview',
    'ManualReviewRequired',
    'Ended',
  ]);
  for (const name of shared) expect(compensating.States[name], name).toEqual(placing.States[name]);
  expect(Object.keys(refunding.States).filter((name) => name in placing.States || name in compensating.States)).toEqual(
    [],
  );
});

test('an orphaned charge is refunded as an order’s payment is, and a refund that fails fails the execution', () => {
  const { RefundPayment, RefundOrphanedCharge } = definitions.compensating.States;
  const { Catch, Next, ...common } = RefundPayment!;
  expect(Catch).toBeDefined();
  expect(Next).toBeDefined();
  expect(RefundOrphanedCharge).toEqual({ ...common, End: true });
});

describe.each(tasks)('the step $name of $machine', ({ name, state }) => {
  test('runs a step of the table, and is named after it where it can be', () => {
    expect(stepOf(state)).toBe(name === 'RefundOrphanedCharge' ? 'RefundPayment' : name);
  });

  test('is not waited for without end', () => {
    expect(state.TimeoutSeconds ?? state.TimeoutSecondsPath).toBeTruthy();
  });

  test('keeps what came before it, whatever it answers or fails with', () => {
    const paths = [state, ...(state.Catch ?? [])].map(({ ResultPath }) => ResultPath);
    // A callback brings no news, so nothing of it is kept. Nor does the error that a customer has to act: the charge says how.
    if (name === 'AwaitPayment') expect(paths.shift()).toBeNull();
    if (name === 'ConfirmOrder') expect(paths.splice(1, 1)).toEqual([null]);
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
    if (name === 'RequestManualReview' || name === 'RefundOrphanedCharge') expect(last).toBeUndefined();
    else expect(last).toMatchObject({ ErrorEquals: ['States.ALL'], Next: expect.any(String) });
  });
});
