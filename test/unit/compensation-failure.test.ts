import { describe, expect, test } from 'vitest';
import { longestRedacted, redacted } from '../../lib/kernel/redact.ts';
import { compensationFailureOf } from '../../lib/saga/compensation-failure.ts';
import type { CompensationState } from '../../lib/saga/state.ts';

const lambda = (name: string, errorMessage: string) => ({
  Error: name,
  Cause: JSON.stringify({ errorType: name, errorMessage, trace: ['at somewhere'] }),
});
const base: CompensationState = {
  orderId: `ord_${'1'.repeat(32)}`,
  amount: 1000,
  currency: 'EUR',
};
const reserved = { ...base, reservation: { reserved: true } };
const charge = { provider: 'simulated', reference: 'ch_1' };
const waiting = {
  ...charge,
  action: { type: 'simulated', path: '/simulated-payments/x' } as const,
  waitSeconds: 600,
};
const refund = { outcome: 'refunded', ...charge, refundReference: 're_1' } as const;
const compensationFailure = lambda('Error', 'the database is away');
const lost = lambda('OutcomeUnknown', 'the provider did not answer within 8000 ms');
const none = { amount: 0, certain: true };
const known = { amount: 1000, certain: true };
const unknown = { amount: 1000, certain: false };

describe('what of a compensation did not get through, and the money at stake', () => {
  test.each<[string, CompensationState, string[], { amount: number; certain: boolean }]>([
    [
      'the release of an order that was out of stock',
      { ...base, failure: lambda('OutOfStock', 'x'), compensationFailure },
      ['ReleaseStock'],
      none,
    ],
    [
      'the release after a decline',
      { ...reserved, failure: lambda('PaymentDeclined', 'x'), compensationFailure },
      ['ReleaseStock'],
      none,
    ],
    [
      'the refund of a charge that nobody answered for',
      { ...reserved, failure: lost, compensationFailure: lost, release: { units: 1 } },
      ['RefundPayment'],
      unknown,
    ],
    [
      'refund and release',
      { ...reserved, failure: lost, compensationFailure },
      ['RefundPayment', 'ReleaseStock'],
      unknown,
    ],
    [
      'abandoning',
      { ...reserved, charge, failure: lambda('Error', 'x'), compensationFailure },
      ['AbandonOrder'],
      known,
    ],
    [
      'a refund that the provider refuses',
      {
        ...reserved,
        charge,
        failure: lambda('Error', 'x'),
        abandonment: { confirmed: false },
        compensationFailure: lambda('ChargeDiffers', 'x'),
        release: {},
      },
      ['RefundPayment'],
      known,
    ],
    [
      'a refund that may have happened',
      { ...base, reason: 'cancellation', payment: charge, compensationFailure: lost, release: {} },
      ['RefundPayment'],
      unknown,
    ],
    [
      'the refund of a charge on which the customer never acted',
      {
        ...reserved,
        charge: waiting,
        failure: lambda('PaymentActionExpired', 'x'),
        compensationFailure: lost,
        release: {},
      },
      ['RefundPayment'],
      unknown,
    ],
    [
      'the release after a decline of what the customer had acted on',
      { ...reserved, charge: waiting, failure: lambda('PaymentDeclined', 'x'), compensationFailure },
      ['ReleaseStock'],
      none,
    ],
    [
      'the release alone',
      { ...base, reason: 'cancellation', payment: charge, refund, compensationFailure },
      ['ReleaseStock'],
      none,
    ],
    [
      'closing, when all else is done',
      { ...base, reason: 'retry', attempt: 1, refund, release: {}, compensationFailure },
      ['CloseOrder'],
      none,
    ],
    [
      'the compensation of an order without a payment',
      { ...base, reason: 'retry', attempt: 1, release: {}, compensationFailure: lost },
      ['RefundPayment'],
      unknown,
    ],
    [
      'an order that costs nothing',
      { ...base, reason: 'retry', amount: 0, compensationFailure },
      ['RefundPayment', 'ReleaseStock'],
      none,
    ],
  ])('%s', (_situation, state, steps, money) => {
    expect(compensationFailureOf(state)).toMatchObject({ steps, money });
  });

  test('the last error by its name and message, without the stack trace', () => {
    const state: CompensationState = { ...base, reason: 'cancellation', compensationFailure: lost };
    expect(compensationFailureOf(state)).toMatchObject({
      error: 'OutcomeUnknown',
      message: 'the provider did not answer within 8000 ms',
    });
  });

  test('a cause that is not JSON is shown as it is', () => {
    const state: CompensationState = {
      ...base,
      reason: 'cancellation',
      compensationFailure: { Error: 'States.Timeout', Cause: 'too late' },
    };
    expect(compensationFailureOf(state)).toMatchObject({ error: 'States.Timeout', message: 'too late' });
  });
});

describe('a message that is kept', () => {
  test.each([
    ['a client secret', 'intent pi_3Px_secret_Ab12cd was refused', 'intent [redacted] was refused'],
    ['a provider’s key', 'Invalid API Key: sk_live_51Hx99', 'Invalid API Key: [redacted]'],
    ['a bearer token', 'sent Bearer abc.def-123 and failed', 'sent [redacted] and failed'],
    ['a session token', 'unknown cfs_0198c6a04b1c7d52a3f0', 'unknown [redacted]'],
    ['an app key', 'unknown cfk_0198c6a04b1c7d52a3f0', 'unknown [redacted]'],
    ['an AWS key', 'AKIAIOSFODNN7EXAMPLE may not', '[redacted] may not'],
    ['a signature', 'GET /?X-Amz-Signature=abcdef&x=1', 'GET /?[redacted]&x=1'],
    ['a password', 'password: hunter2 is wrong', '[redacted] is wrong'],
    ['an e-mail address', 'no mail to ada@example.com now', 'no mail to [redacted] now'],
    ['a card’s number', 'card 4242 4242 4242 4242 refused', 'card [redacted] refused'],
    ['line ends', 'one\n\ntwo', 'one two'],
  ])('%s is taken out', (_what, text, expected) => {
    expect(redacted(text)).toBe(expected);
  });

  test('ids, names and numbers of ours stay', () => {
    const text = `the charge of ord_${'0198'.repeat(8)} has amount 1000, not 1200`;
    expect(redacted(text)).toBe(text);
  });

  test('a long one is cut', () => {
    expect(redacted('x'.repeat(5000))).toHaveLength(longestRedacted);
  });
});
