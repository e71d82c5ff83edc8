import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import * as z from 'zod/mini';
import { systemClock } from '../../lib/kernel/clock.ts';
import { newId } from '../../lib/kernel/ids.ts';
import { failureOf, sagaFailureCodes } from '../../lib/saga/failures.ts';
import { compensationState } from '../../lib/saga/state.ts';
import { declineCodes, declined } from '../../lib/shop/payments/gateway.ts';

const input = {
  orderId: newId('order', systemClock),
  amount: 100,
  currency: 'EUR',
};
const stateWith = (more: object) => z.parse(compensationState, { ...input, ...more });
const caught = (errorType: string, errorMessage = '') => ({
  Error: errorType,
  Cause: JSON.stringify({ errorType, errorMessage, trace: ['at secret.ts:1'] }),
});
const reserved = { reservation: { expiresAt: '2026-03-14T09:41:53.702Z' } };
const charged = { ...reserved, charge: { provider: 'simulated', reference: 'x' } };

test('a state keeps what steps left that the schema does not name', () => {
  expect(stateWith({ end: { status: 'failed' } })).toMatchObject({ end: { status: 'failed' } });
});

test('nothing failed', () => {
  expect(failureOf(stateWith(charged))).toBeUndefined();
});

test('every decline code has words of its own, recovered from the message alone', () => {
  const details = declineCodes.map((code) => {
    const failure = caught('PaymentDeclined', declined(code).message);
    const told = failureOf(stateWith({ ...reserved, failure }));
    expect(told).toEqual({ code: 'payment-declined', detail: expect.stringMatching(`^[A-Z].+ \\(${code}\\)\\.$`) });
    return told!.detail.replace(/ \(.*/, '');
  });
  expect(new Set(details).size).toBe(declineCodes.length);
});

test.each(['', 'toString', 'select * from secrets', 'no_such_code', 'expired_card ', ': '])(
  'a decline without a code that is known (%j) counts as declined',
  (message) => {
    expect(failureOf(stateWith({ failure: caught('PaymentDeclined', message) }))).toEqual({
      code: 'payment-declined',
      detail: 'The card was declined (card_declined).',
    });
  },
);

test('the customer cancelled meanwhile', () => {
  expect(failureOf(stateWith({ failure: caught('OrderNotActive', 'x') }))?.code).toBe('cancelled');
});

test.each(['OutcomeUnknown', 'States.Timeout', 'DeadlineExceeded', 'Sandbox.Timedout', 'Lambda.Unknown'])(
  '%s while charging leaves the payment unknown, and says what is being done about it',
  (name) => {
    const failure = { Error: name, Cause: '' };
    expect(failureOf(stateWith({ ...reserved, failure }))).toEqual({
      code: 'payment-unknown',
      detail: 'The payment provider did not answer in time; no money is kept.',
    });
    expect(failureOf(stateWith({ ...reserved, failure, compensationFailure: caught('OutcomeUnknown') }))).toEqual({
      code: 'payment-unknown',
      detail: 'The payment provider did not answer in time; we are finding out whether money was taken.',
    });
  },
);

test('a time-out before or after the charge is not the payment’s', () => {
  const failure = { Error: 'States.Timeout', Cause: '' };
  expect(failureOf(stateWith({ failure }))?.code).toBe('compensated');
  expect(failureOf(stateWith({ ...charged, failure }))?.code).toBe('compensated');
});

test('a cancellation that could not be compensated says so', () => {
  const compensationFailure = caught('StripeRefused', 'sk_live_1');
  expect(failureOf(stateWith({ reason: 'cancellation', compensationFailure }))?.code).toBe('compensation-failed');
});

test('whatever an error says, the client reads only sentences of ours', () => {
  const sentence = /^[A-Z][A-Za-z ;,]+( \([a-z_]+\))?\.$/;
  const names = fc.constantFrom('PaymentDeclined', 'OrderNotActive', 'TypeError', 'States.Timeout');
  const causes = fc.oneof(
    fc.string(),
    fc.json(),
    fc.string().map((errorMessage) => JSON.stringify({ errorMessage })),
    fc.constant(JSON.stringify({ errorMessage: 'expired_card' })),
  );
  return fc.assert(
    fc.property(
      fc.oneof(names, fc.string()),
      fc.option(causes, { nil: undefined }),
      fc.boolean(),
      (name, Cause, compensated) => {
        const failure = { Error: name, ...(Cause === undefined ? {} : { Cause }) };
        const told = failureOf(
          stateWith({ failure, ...(compensated ? {} : { compensationFailure: caught('OutcomeUnknown') }) }),
        );
        expect(sagaFailureCodes).toContain(told?.code);
        expect(told?.detail).toMatch(sentence);
      },
    ),
  );
});
