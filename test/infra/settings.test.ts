import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { expect, test } from 'vitest';
import { profiles } from '../../infra/profiles.ts';
import { readSettings } from '../../infra/settings.ts';
import { withThrowawayApp } from '../../infra/throwaway-app.ts';
import { stripeSecret, webhookSecret } from './synthesized.ts';

const read = (context: Record<string, unknown>) => withThrowawayApp({ context }, (app) => readSettings(app.node));

test('the default is dev with simulated payments', () => {
  expect(read({})).toEqual({
    profile: profiles.dev,
    payments: { provider: 'simulated' },
    identity: { callbacks: ['http://localhost:3001/demo'] },
    release: expect.stringMatching(/^\d+\.\d+\.\d+/),
    backups: { lock: 'governance' },
    brought: {},
    approvedDataLoss: [],
    orderMails: false,
    variables: {},
    accounts: { CONFIRM_EMAIL: 'none' },
  });
});

test('backups are copied to a vault by its ARN, and their lock is one of two', () => {
  const backupCopyVault = 'arn:aws:backup:eu-central-1:222222222222:backup-vault:counterfoil-copies';
  expect(read({ backupCopyVault, backupLock: 'compliance' }).backups).toEqual({
    lock: 'compliance',
    copyTo: backupCopyVault,
  });
  expect(() => read({ backupCopyVault: 'counterfoil-copies' })).toThrow('is not the ARN of a vault of AWS Backup');
  expect(() => read({ backupLock: 'on' })).toThrow('backupLock is governance or compliance, not "on"');
});

test('mails about orders need a sender of mails', () => {
  expect(read({ orderMails: 'all', mailFrom: 'shop@example.com' }).orderMails).toBe(true);
  expect(() => read({ orderMails: 'all' })).toThrow('needs a sender: -c mailFrom=');
  expect(() => read({ orderMails: 'some', mailFrom: 'shop@example.com' })).toThrow('orderMails');
});

test('prod refuses simulated payments, as a setting and as the default', () => {
  expect(() => read({ profile: 'prod' })).toThrow('profile prod does not take simulated payments');
  expect(() => read({ profile: 'prod', paymentProvider: 'simulated' })).toThrow('does not take simulated payments');
});

test('stripe needs the ARNs of its secrets, all of them', () => {
  for (const stripeSecretArn of [undefined, 'sk_live_oops', stripeSecret.slice(0, -7)]) {
    expect(() => read({ paymentProvider: 'stripe', stripeSecretArn })).toThrow('needs -c stripeSecretArn=arn:…');
  }
  const stripe = {
    profile: 'prod',
    paymentProvider: 'stripe',
    stripeSecretArn: stripeSecret,
    mailFrom: 'shop@example.com',
  };
  for (const stripeWebhookSecretArn of [undefined, 'whsec_oops', webhookSecret.slice(0, -7)]) {
    expect(() => read({ ...stripe, stripeWebhookSecretArn })).toThrow('needs -c stripeWebhookSecretArn=arn:…');
  }
  expect(read({ ...stripe, stripeWebhookSecretArn: webhookSecret })).toEqual({
    profile: profiles.prod,
    payments: { provider: 'stripe', secretArn: stripeSecret, webhookSecretArn: webhookSecret },
    identity: { callbacks: [] },
    release: expect.any(String),
    backups: { lock: 'governance' },
    brought: {},
    approvedDataLoss: [],
    orderMails: false,
    variables: {},
    accounts: { CONFIRM_EMAIL: 'required' },
    mail: { from: 'shop@example.com' },
  });
});

test('a stage whose customers confirm their e-mail needs a sender of mails', () => {
  const stripe = { paymentProvider: 'stripe', stripeSecretArn: stripeSecret, stripeWebhookSecretArn: webhookSecret };
  expect(() => read({ ...stripe, profile: 'prod' })).toThrow('pass -c mailFrom=');
  expect(() => read({ confirmEmail: 'required' })).toThrow('pass -c mailFrom=');
  expect(read({ ...stripe, profile: 'prod', confirmEmail: 'none' }).mail).toBeUndefined();
  for (const mailFrom of ['shop', 'a@b@c', 'Shop <shop>', 'Shop <a@example.com> x']) {
    expect(() => read({ mailFrom }), mailFrom).toThrow('is neither an e-mail address');
  }
  const settings = read({ mailFrom: 'The Shop <shop@example.com>', accountPages: 'https://shop.example.com/account' });
  expect(settings.mail).toEqual({ from: 'The Shop <shop@example.com>' });
  expect(settings.accounts).toEqual({
    CONFIRM_EMAIL: 'none',
    ACCOUNT_PAGES_URL: 'https://shop.example.com/account',
  });
  expect(() => read({ accountPages: 'http://shop.example.com' })).toThrow('accountPages');
});

test('an unknown profile or provider is named', () => {
  expect(() => read({ profile: 'test' })).toThrow('profile is dev or staging or small or prod, not "test"');
  expect(() => read({ paymentProvider: 'paypal' })).toThrow('paymentProvider is simulated or stripe, not "paypal"');
});

test('a stage is named after its profile or by its own name, and not after another profile', () => {
  expect(read({ profile: 'staging' }).profile).toEqual(profiles.staging);
  expect(read({ stage: 'tea' }).profile).toEqual({ ...profiles.dev, stage: 'tea' });
  expect(() => read({ stage: 'prod' })).toThrow('a stage called prod has the profile prod');
  for (const stage of ['Tea', 'tea-shop', 't', '1tea', 'a'.repeat(13)])
    expect(() => read({ stage }), stage).toThrow('is not 2 to 12 lower-case letters and digits');
});

test('the address for alarms must be an e-mail address', () => {
  expect(() => read({ alarmEmail: 'duty' })).toThrow('alarmEmail "duty" is not an e-mail address');
  expect(read({ alarmEmail: 'duty@example.com' }).alarmEmail).toBe('duty@example.com');
});

test('customers sign in at a given issuer, or at a user pool with callback addresses', () => {
  const issuer = 'https://login.example.com/shop';
  expect(read({ identityIssuer: issuer }).identity).toEqual({ issuer });
  for (const bad of ['http://login.example.com', 'login.example.com', 'https://login.example.com/?tenant=1']) {
    expect(() => read({ identityIssuer: bad })).toThrow('identityIssuer is an https address exactly as in tokens');
  }
  expect(() => read({ identityIssuer: issuer, identityDomain: 'shop' })).toThrow('set them at the issuer instead');
  const identityCallbacks = 'https://shop.example/callback, com.example.shop://signed-in,http://localhost:8080/cb';
  expect(read({ identityCallbacks, identityDomain: 'tea-shop' }).identity).toEqual({
    callbacks: ['https://shop.example/callback', 'com.example.shop://signed-in', 'http://localhost:8080/cb'],
    domain: 'tea-shop',
  });
  for (const bad of ['http://shop.example/callback', 'shop.example', 'http://localhost.evil.example/']) {
    expect(() => read({ identityCallbacks: bad })).toThrow(`identityCallbacks has "${bad}"`);
  }
  const stripe = { paymentProvider: 'stripe', stripeSecretArn: stripeSecret, stripeWebhookSecretArn: webhookSecret };
  expect(() => read({ ...stripe, profile: 'small', identityCallbacks })).toThrow(
    'could take the code of profile small',
  );
  expect(() => read({ identityDomain: 'Tea_Shop' })).toThrow('identityDomain is lower-case letters');
});

test('the throttling of the HTTP API can be set for a load test', () => {
  expect(read({ rateLimit: '2000', burstLimit: '4000' }).profile.throttle).toEqual({ rate: 2000, burst: 4000 });
  expect(() => read({ rateLimit: 'many' })).toThrow('rateLimit is a whole number of at least 1');
});

test('cdk.json sets every feature flag as recommended, but for strong references between stacks', () => {
  const { context } = JSON.parse(readFileSync(new URL('../../cdk.json', import.meta.url), 'utf8'));
  const recommended = createRequire(import.meta.url)('aws-cdk-lib/recommended-feature-flags.json');
  expect(context).toEqual({ ...recommended, '@aws-cdk/core:defaultCrossStackReferences': 'strong' });
});

test('a variable of the functions is passed on, and must be a number', () => {
  expect(read({ RATE_LIMIT_PER_MINUTE: '300' }).variables).toEqual({ RATE_LIMIT_PER_MINUTE: '300' });
  expect(read({ preparedStatements: 'off' }).variables).toEqual({ PREPARED_STATEMENTS: 'off' });
  expect(() => read({ preparedStatements: 'no' })).toThrow('preparedStatements');
  expect(read({ cache: 'off' }).variables).toEqual({ CACHE: 'off' });
  expect(() => read({ cache: 'no' })).toThrow('cache is on or off');
  expect(read({ catalogMaxAge: '60' })).toMatchObject({
    catalogMaxAge: 60,
    variables: { CATALOG_MAX_AGE_SECONDS: '60' },
  });
  for (const wrong of ['0', '-1', 'a minute']) expect(() => read({ catalogMaxAge: wrong })).toThrow('at least 1');
  expect(() => read({ catalogMaxAge: '3601' })).toThrow('at most 3600');
  expect(() => read({ RESERVATION_SECONDS: 'soon' })).toThrow('RESERVATION_SECONDS is a whole number of at least 1');
});

test('rate classes have other multiples, and never less than the class below', () => {
  expect(read({ rateClasses: 'high:20/5/1000' }).variables).toEqual({ RATE_CLASSES: 'high:20/5/1000' });
  for (const rateClasses of ['high', 'huge:1/1/1', 'high:0/3/600', 'high:1/2'])
    expect(() => read({ rateClasses }), rateClasses).toThrow('is not a class and its multiples');
  expect(() => read({ rateClasses: 'high:20/5/10' })).toThrow('high gives less than standard by application');
});

test('reservations can be turned off, for an account that may run ten functions at once', () => {
  const secrets = { stripeSecretArn: stripeSecret, stripeWebhookSecretArn: webhookSecret };
  const prod = { profile: 'prod', paymentProvider: 'stripe', ...secrets, mailFrom: 'shop@example.com' };
  expect(read(prod).profile.reservesConcurrency).toBe(true);
  expect(read({ ...prod, reserveConcurrency: 'off' }).profile.reservesConcurrency).toBe(false);
  expect(() => read({ reserveConcurrency: 'no' })).toThrow('reserveConcurrency');
});

test('zones can be named, where some lack what the network needs', () => {
  const { profile } = read({ zones: 'eu-west-1a, eu-west-1c' });
  expect(profile).toMatchObject({ zones: 2, zoneNames: ['eu-west-1a', 'eu-west-1c'] });
  expect(read({}).profile.zoneNames).toBeUndefined();
  for (const zones of ['eu-west-1a', 'eu-west-1a,eu-west-1a', 'a,b']) {
    expect(() => read({ zones }), zones).toThrow(/zones (has|needs)/);
  }
});
