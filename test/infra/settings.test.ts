import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { App } from 'aws-cdk-lib';
import { expect, test } from 'vitest';
import { profiles, readSettings } from '../../infra/profiles.ts';
import { stripeSecret, webhookSecret } from './synthesized.ts';

const read = (context: Record<string, unknown>) => readSettings(new App({ context }).node);

test('nothing said is dev with simulated payments', () => {
  expect(read({})).toEqual({
    profile: profiles.dev,
    payments: { provider: 'simulated' },
    release: expect.stringMatching(/^\d+\.\d+\.\d+/),
    variables: {},
  });
});

test('prod refuses simulated payments, said or not', () => {
  expect(() => read({ profile: 'prod' })).toThrow('profile prod does not take simulated payments');
  expect(() => read({ profile: 'prod', paymentProvider: 'simulated' })).toThrow('does not take simulated payments');
});

test('stripe needs the ARNs of its secrets, all of them', () => {
  for (const stripeSecretArn of [undefined, 'sk_live_oops', stripeSecret.slice(0, -7)]) {
    expect(() => read({ paymentProvider: 'stripe', stripeSecretArn })).toThrow('needs -c stripeSecretArn=arn:…');
  }
  const stripe = { profile: 'prod', paymentProvider: 'stripe', stripeSecretArn: stripeSecret };
  for (const stripeWebhookSecretArn of [undefined, 'whsec_oops', webhookSecret.slice(0, -7)]) {
    expect(() => read({ ...stripe, stripeWebhookSecretArn })).toThrow('needs -c stripeWebhookSecretArn=arn:…');
  }
  expect(read({ ...stripe, stripeWebhookSecretArn: webhookSecret })).toEqual({
    profile: profiles.prod,
    payments: { provider: 'stripe', secretArn: stripeSecret, webhookSecretArn: webhookSecret },
    release: expect.any(String),
    variables: {},
  });
});

test('a profile or provider that is none is named', () => {
  expect(() => read({ profile: 'staging' })).toThrow('profile is dev or prod, not "staging"');
  expect(() => read({ paymentProvider: 'paypal' })).toThrow('paymentProvider is simulated or stripe, not "paypal"');
});

test('an address for alarms must be one', () => {
  expect(() => read({ alarmEmail: 'duty' })).toThrow('alarmEmail "duty" is not an e-mail address');
  expect(read({ alarmEmail: 'duty@example.com' }).alarmEmail).toBe('duty@example.com');
});

test('the outer guard can be set for a load test', () => {
  expect(read({ rateLimit: '2000', burstLimit: '4000' }).profile.throttle).toEqual({ rate: 2000, burst: 4000 });
  expect(() => read({ rateLimit: 'many' })).toThrow('rateLimit is a whole number of at least 1');
});

test('cdk.json sets every feature flag as recommended, but that the data stack cannot be deleted under the other', () => {
  const { context } = JSON.parse(readFileSync(new URL('../../cdk.json', import.meta.url), 'utf8'));
  const recommended = createRequire(import.meta.url)('aws-cdk-lib/recommended-feature-flags.json');
  expect(context).toEqual({ ...recommended, '@aws-cdk/core:defaultCrossStackReferences': 'strong' });
});

test('a variable of the functions is handed on when it is said, and must be a number', () => {
  expect(read({ RATE_LIMIT_PER_MINUTE: '300' }).variables).toEqual({ RATE_LIMIT_PER_MINUTE: '300' });
  expect(() => read({ RESERVATION_SECONDS: 'soon' })).toThrow('RESERVATION_SECONDS is a whole number of at least 1');
});
