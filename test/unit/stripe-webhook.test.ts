import * as fc from 'fast-check';
import Stripe from 'stripe';
import { describe, expect, test } from 'vitest';
import { systemClock } from '../../lib/kernel/clock.ts';
import { newId } from '../../lib/kernel/ids.ts';
import { checkSignature, readEvent } from '../../lib/shop/payments/stripe-webhook.ts';
import { signatureOf, stripeEvent } from '../support/stripe-events.ts';

const now = 1_800_000_000_000;
const secret = 'whsec_first';
const other = 'whsec_second';
const text = '{"id":"evt_1","type":"payment_intent.succeeded","note":"Grüße"}';
const refused = expect.objectContaining({ name: 'Problem', code: 'webhook-signature-invalid' });
const check = (signature: string | undefined, { body = text, secrets = [secret], at = now } = {}) =>
  checkSignature({ text: body, signature }, secrets, at);

describe('a signature', () => {
  test('as Stripe’s own package makes it is taken', () => {
    const webhooks = new Stripe('sk_test_1').webhooks;
    const signature = webhooks.generateTestHeaderString({ payload: text, secret, timestamp: now / 1000 });
    expect(signatureOf(text, now, secret)).toContain(signature.split('v1=')[1]);
    expect(() => check(signature)).not.toThrow();
  });

  test('by either of two secrets is taken, on both sides', () => {
    expect(() => check(signatureOf(text, now, other), { secrets: [secret, other] })).not.toThrow();
    expect(() => check(signatureOf(text, now, other, secret))).not.toThrow();
    expect(() => check(signatureOf(text, now, secret).replaceAll(',', ', '))).not.toThrow();
    expect(() => check(`${signatureOf(text, now, secret)},v0=${'0'.repeat(64)}`)).not.toThrow();
  });

  test('by another secret, or none of ours, is refused', () => {
    expect(() => check(signatureOf(text, now, other))).toThrow(refused);
    expect(() => check(signatureOf(text, now, secret), { secrets: [] })).toThrow(refused);
  });

  test('of five minutes is taken, older or further ahead it is not', () => {
    const signature = signatureOf(text, now, secret);
    for (const at of [now - 300_000, now, now + 300_000]) expect(() => check(signature, { at })).not.toThrow();
    for (const at of [now - 300_001, now + 300_001]) expect(() => check(signature, { at })).toThrow(refused);
  });

  test.each([
    ['nothing', undefined],
    ['an empty field', ''],
    ['no time', signatureOf(text, now, secret).replace(/^t=\d+,/, '')],
    ['a time with something before it', `t=x${signatureOf(text, now, secret).slice(2)}`],
    ['a time with something behind it', signatureOf(text, now, secret).replace(',', 'x,')],
    ['two times', `t=1,${signatureOf(text, now, secret)}`],
    ['no signature', `t=${now / 1000}`],
    ['only a scheme of old', signatureOf(text, now, secret).replace('v1=', 'v0=')],
    ['a signature cut off', signatureOf(text, now, secret).slice(0, -1)],
    ['a signature drawn out', `${signatureOf(text, now, secret)}0`],
  ])('that is %s is refused, and says so whatever the body is', (_, signature) => {
    const malformed = expect.objectContaining({
      code: 'webhook-signature-invalid',
      message: expect.stringMatching(/one t/),
    });
    expect(() => check(signature)).toThrow(malformed);
    expect(() => check(signature, { secrets: [] })).toThrow(malformed);
  });

  test('fits no other body: any altered, added or missing character fails', () => {
    return fc.assert(
      fc.property(fc.string({ minLength: 1 }), fc.nat(), fc.string({ maxLength: 3 }), (body, place, instead) => {
        const at = place % body.length;
        const altered = body.slice(0, at) + instead + body.slice(at + 1);
        fc.pre(!Buffer.from(altered).equals(Buffer.from(body)));
        const signature = signatureOf(body, now, secret);
        expect(() => check(signature, { body })).not.toThrow();
        expect(() => check(signature, { body: altered })).toThrow(refused);
      }),
    );
  });

  test('is no other one: any altered character of it, or of its time, fails', () => {
    const signature = signatureOf(text, now, secret);
    return fc.assert(
      fc.property(fc.nat({ max: signature.length - 1 }), fc.constantFrom(...'0123456789abcdef=,tv '), (at, instead) => {
        fc.pre(signature[at] !== instead);
        expect(() => check(signature.slice(0, at) + instead + signature.slice(at + 1))).toThrow(refused);
      }),
      { numRuns: 500 },
    );
  });

  test('of any text is refused or taken, never another error', () => {
    return fc.assert(
      fc.property(fc.string(), (signature) => {
        expect(() => check(signature)).toThrow(refused);
      }),
    );
  });
});

describe('an event', () => {
  const orderId = newId('order', systemClock);
  const read = (event: unknown) => readEvent(JSON.stringify(event));

  test.each(['payment_intent.succeeded', 'payment_intent.payment_failed', 'payment_intent.canceled'])(
    '%s names the order to resume',
    (type) => {
      expect(read(stripeEvent(type, orderId, 'evt_1'))).toEqual({ id: 'evt_1', type, orderId });
    },
  );

  test.each([
    ['of another type', stripeEvent('charge.refunded', orderId)],
    ['of a payment without an order', stripeEvent('payment_intent.succeeded', undefined)],
    ['of another product’s order', stripeEvent('payment_intent.succeeded', 'order-17')],
    ['without metadata', { id: 'evt_1', type: 'payment_intent.succeeded', data: { object: { metadata: null } } }],
    ['with nothing in it', { id: 'evt_1', type: 'payment_intent.succeeded', data: {} }],
    ['without an object', { id: 'evt_1', type: 'v1.billing.meter.no_meter_found' }],
  ])('%s resumes nobody', (_, event) => {
    expect(read(event)).not.toHaveProperty('orderId');
  });

  test('that is none is refused', () => {
    expect(() => readEvent('{"id":')).toThrow(expect.objectContaining({ code: 'invalid-json' }));
    const wrong = ['', 'evt_1\n', '\nevt_1', 'evt 1', 'e'.repeat(256), undefined, 7];
    const events = wrong.flatMap((word) => [
      { id: word, type: 'x' },
      { id: 'evt_1', type: word },
    ]);
    for (const event of [null, [], 7, {}, ...events]) {
      expect(() => read(event)).toThrow(expect.objectContaining({ code: 'invalid-input' }));
    }
  });
});
