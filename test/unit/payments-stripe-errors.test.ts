import Stripe from 'stripe';
import { describe, expect, test } from 'vitest';
import { fromStripeAmount, toStripeAmount } from '../../lib/shop/payments/stripe-amount.ts';
import { fromStripe } from '../../lib/shop/payments/stripe-errors.ts';

const failure = (statusCode: number | undefined, type: string, raw: Record<string, unknown> = {}) =>
  Stripe.errors.StripeError.generate({ statusCode, type, message: 'Mrs Smith: sk_live_1', ...raw } as never);
const card = (code: string, decline_code?: string) => failure(402, 'card_error', { code, decline_code });
const invalid = (code: string, param?: string) => failure(400, 'invalid_request_error', { code, param });

describe('declined', () => {
  test.each([
    [card('card_declined', 'generic_decline'), 'card_declined'],
    [card('card_declined', 'do_not_honor'), 'card_declined'],
    [card('card_declined', 'lost_card'), 'card_declined'],
    [card('card_declined', 'a_code_of_tomorrow'), 'card_declined'],
    [card('card_declined'), 'card_declined'],
    [card('card_declined', 'insufficient_funds'), 'insufficient_funds'],
    [card('expired_card', 'a_code_of_tomorrow'), 'expired_card'],
    [card('expired_card', 'expired_card'), 'expired_card'],
    [card('incorrect_cvc', 'incorrect_cvc'), 'incorrect_cvc'],
    [card('card_declined', 'invalid_cvc'), 'incorrect_cvc'],
    [card('incorrect_number', 'incorrect_number'), 'incorrect_number'],
    [card('card_declined', 'card_not_supported'), 'card_not_supported'],
    [card('card_declined', 'card_velocity_exceeded'), 'limit_exceeded'],
    [card('authentication_required', 'authentication_required'), 'authentication_required'],
    [card('payment_intent_authentication_failure'), 'authentication_failed'],
    [failure(402, 'invalid_request_error', { code: 'expired_card' }), 'expired_card'],
    [failure(400, 'card_error', { code: 'expired_card' }), 'expired_card'],
    [invalid('resource_missing', 'payment_method'), 'payment_method_invalid'],
    [invalid('payment_method_unactivated'), 'payment_method_invalid'],
    [invalid('amount_too_small', 'amount'), 'amount_invalid'],
    [invalid('amount_too_large', 'amount'), 'amount_invalid'],
  ] as const)('%#: %s', (error, code) => {
    expect(fromStripe(error)).toMatchObject({ name: 'PaymentDeclined', code, message: code });
  });
});

describe('to be asked about again', () => {
  test.each([
    [failure(undefined, '')],
    [new Stripe.errors.StripeConnectionError({ message: 'x' } as never)],
    [failure(500, 'api_error')],
    [failure(503, 'api_error')],
    [failure(429, 'invalid_request_error', { code: 'rate_limit' })],
    [failure(429, 'invalid_request_error', { code: 'lock_timeout' })],
    [failure(409, 'invalid_request_error', { code: 'idempotency_key_in_use' })],
    [failure(409, 'idempotency_error')],
    [failure(429, 'invalid_request_error')],
    [failure(400, 'invalid_request_error', { code: 'lock_timeout' })],
    [card('processing_error', 'processing_error')],
    [card('card_declined', 'try_again_later')],
    [card('card_declined', 'issuer_not_available')],
  ])('%#: %s', (error) => {
    expect(fromStripe(error)).toMatchObject({ name: 'OutcomeUnknown' });
  });
});

describe('for a person to look at', () => {
  test.each([
    [failure(401, 'invalid_request_error'), 'invalid_request_error'],
    [failure(403, 'invalid_request_error', { code: 'secret_key_required' }), 'secret_key_required'],
    [failure(400, 'idempotency_error'), 'idempotency_error'],
    [invalid('parameter_unknown', 'colour'), 'parameter_unknown'],
    [invalid('resource_missing', 'intent'), 'resource_missing'],
    [invalid('payment_intent_unexpected_state'), 'payment_intent_unexpected_state'],
    [invalid('charge_disputed'), 'charge_disputed'],
  ])('%#: %s', (error, code) => {
    expect(fromStripe(error)).toMatchObject({ name: 'StripeRefused', code });
  });

  test('an error tells where to look: its parameter, its status and Stripe’s id of the request', () => {
    const raw = { code: 'parameter_unknown', param: 'colour', requestId: 'req_1' };
    expect(fromStripe(failure(400, 'invalid_request_error', raw))).toMatchObject({
      message: 'Stripe refused: parameter_unknown colour (status 400, request req_1)',
    });
    expect(fromStripe(failure(400, 'invalid_request_error'))).toMatchObject({
      message: 'Stripe refused: invalid_request_error (status 400, request unknown)',
    });
    expect(fromStripe(failure(undefined, ''))).toMatchObject({
      message: 'Stripe did not answer: no connection (status none, request unknown)',
    });
    for (const detail of [new Error('x'), Object.assign(new Error('x'), { code: 7 })]) {
      const lost = fromStripe(new Stripe.errors.StripeConnectionError({ message: 'x', detail } as never));
      expect(lost).toMatchObject({ message: expect.stringContaining('no connection') });
    }
  });

  test('something else that is not known, though a parameter has the name', () => {
    expect(fromStripe(invalid('parameter_invalid_empty', 'payment_method'))).toMatchObject({ name: 'StripeRefused' });
  });

  test('an error that is not Stripe’s stays as it is', () => {
    const error = new RangeError('ours');
    expect(fromStripe(error)).toBe(error);
  });

  test('nothing of Stripe’s own message is carried on', () => {
    for (const error of [failure(401, 'x'), failure(500, 'x'), card('card_declined'), invalid('x')]) {
      const meaning = fromStripe(error) as Error;
      expect(`${meaning.stack} ${meaning.cause}`).not.toMatch(/Smith|sk_live/);
    }
  });
});

test.each([
  [1999, 'EUR', 1999],
  [500, 'JPY', 500],
  [5, 'ISK', 500],
  [5, 'UGX', 500],
  [500, 'MGA', 5],
  [5120, 'KWD', 5120],
])('%i minor units of %s are %i to Stripe', (amount, currency, expected) => {
  expect(toStripeAmount(amount, currency)).toBe(expected);
  expect(fromStripeAmount(expected, currency)).toBe(amount);
});

test.each(['ISK', 'MGA'])('every number of %s comes out whole', (currency) => {
  for (let amount = 100; amount <= 1_000_000; amount += 100) {
    expect(toStripeAmount(amount, currency)).toBe(currency === 'ISK' ? amount * 100 : amount / 100);
    expect(fromStripeAmount(amount, currency)).toBe(currency === 'ISK' ? amount / 100 : amount * 100);
  }
});

test.each([
  [5124, 'KWD'],
  [501, 'MGA'],
  [Number.MAX_SAFE_INTEGER, 'ISK'],
])('%i minor units of %s cannot be charged exactly by Stripe', (amount, currency) => {
  expect(() => toStripeAmount(amount, currency)).toThrow(expect.objectContaining({ code: 'amount_invalid' }));
});

test('an amount of another product that ISO 4217 has no unit for is rounded', () => {
  expect(fromStripeAmount(550, 'ISK')).toBe(6);
});
