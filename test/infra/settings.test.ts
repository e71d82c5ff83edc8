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

const stripe = { paymentProvider: 'stripe', stripeSecretArn: stripeSecret, stripeWebhookSecretArn: webhookSecret };
const prod = { ...stripe, profile: 'prod', mailFrom: 'shop@example.com', alarmEmail: 'duty@example.com' };

test('backups are copied to a vault by its ARN, and their lock is one of two, where there is a vault', () => {
  const backupCopyVault = 'arn:aws:backup:eu-central-1:222222222222:backup-vault:counterfoil-copies';
  expect(read({ ...prod, backupCopyVault, backupLock: 'compliance' }).backups).toEqual({
    lock: 'compliance',
    copyTo: backupCopyVault,
  });
  expect(() => read({ ...prod, backupCopyVault: 'counterfoil-copies' })).toThrow('is not the ARN of a vault of AWS');
  expect(() => read({ ...prod, backupLock: 'on' })).toThrow('backupLock is governance or compliance, not "on"');
  for (const context of [{ backupCopyVault }, { ...prod, profile: 'small', mailFrom: '', backupLock: 'compliance' }])
    expect(() => read(context)).toThrow('has no vault of backups: leave out backup');
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
  for (const stripeWebhookSecretArn of [undefined, 'whsec_oops', webhookSecret.slice(0, -7)]) {
    expect(() => read({ ...prod, stripeWebhookSecretArn })).toThrow('needs -c stripeWebhookSecretArn=arn:…');
  }
  expect(() => read({ ...stripe, stripeWebhookSecretArn: stripeSecret })).toThrow('name one secret for two things');
  expect(() => read({ stripeSecretArn: stripeSecret })).toThrow('pass -c paymentProvider=stripe too');
  expect(read(prod)).toEqual({
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
    alarmEmail: 'duty@example.com',
  });
});

test('a stage whose customers confirm their e-mail needs a sender of mails', () => {
  expect(() => read({ ...stripe, profile: 'prod' })).toThrow('pass -c mailFrom=');
  expect(() => read({ ...stripe, profile: 'small', confirmEmail: 'required' })).toThrow('sends no mails: leave out');
  expect(() => read({ confirmEmail: 'required' })).toThrow('pass -c mailFrom=');
  expect(read({ ...prod, mailFrom: '', confirmEmail: 'none' }).mail).toBeUndefined();
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

test('a stage that sells has somebody who gets its alarms', () => {
  const noticesSecretArn = stripeSecret.replace('stripe', 'notices');
  for (const context of [prod, { ...prod, profile: 'small', mailFrom: '' }]) {
    expect(() => read({ ...context, alarmEmail: '' })).toThrow('alarms nobody: pass -c alarmEmail=duty@example.com');
    expect(read({ ...context, alarmEmail: '', noticesSecretArn }).noticesSecretArn).toBe(noticesSecretArn);
  }
});

test('what a stage names is in one region', () => {
  const [zones, certificateArn] = ['eu-west-1a,eu-west-1b', 'arn:aws:acm:us-east-1:123456789012:certificate/0a1b2c3d'];
  expect(() => read({ zones: 'eu-west-1a,us-east-1b' })).toThrow(
    'a stage is in one region: zones is in eu-west-1, and zones in us-east-1',
  );
  expect(() => read({ zones, domainName: 'api.tea.example', certificateArn })).toThrow(
    'zones is in eu-west-1, and certificateArn in us-east-1',
  );
  expect(() => read({ ...stripe, zones: 'us-east-1a,us-east-1b' })).toThrow('stripeSecretArn in eu-west-1');
  const metricsSecretArn = stripeSecret.replace('eu-west-1', 'us-west-2');
  expect(() => read({ ...stripe, metricsSecretArn })).toThrow('metricsSecretArn in us-west-2');
});

test('a name that is no setting is refused on the command line, where the settings of CDK are', () => {
  expect(() => read({ alarmEmial: 'duty@example.com' })).toThrow('"alarmEmial" is no setting');
  // Going back to a release takes the settings of a newer one along.
  expect(() => read({ alarmEmial: 'duty@example.com', newerSettings: 'ignored' })).not.toThrow();
  expect(() =>
    read({ '@aws-cdk/core:x': true, 'availability-zones:account=1': [], 'cdk-migrate': true }),
  ).not.toThrow();
});

test('Cognito’s words in the name of a login page are refused', () => {
  for (const context of [{ identityDomain: 'my-aws-shop' }, { identityDomain: 'cognito1' }, { stage: 'paws' }])
    expect(() => read(context)).toThrow(
      'may not have "aws", "amazon" or "cognito" in it: pass another -c identityDomain',
    );
  expect(read({ stage: 'paws', identityDomain: 'tea' }).profile.stage).toBe('paws');
  expect(read({ stage: 'paws', identityIssuer: 'https://login.example.com' }).profile.stage).toBe('paws');
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
  for (const [name, value] of [
    ['PAYMENT_TIMEOUT_MS', '60000'],
    ['IDEMPOTENCY_KEY_SECONDS', '60'],
    ['AUDIT_MONTHS', '1'],
  ] as const)
    expect(() => read({ [name]: value }), name).toThrow(`no function would start: ${name}`);
});

test('rate classes have other multiples, and never less than the class below', () => {
  expect(read({ rateClasses: 'high:20/5/1000' }).variables).toEqual({ RATE_CLASSES: 'high:20/5/1000' });
  for (const rateClasses of ['high', 'huge:1/1/1', 'high:0/3/600', 'high:1/2'])
    expect(() => read({ rateClasses }), rateClasses).toThrow('is not a class and its multiples');
  expect(() => read({ rateClasses: 'high:20/5/10' })).toThrow('high gives less than standard by application');
});

test('reservations can be turned off, for an account that may run ten functions at once', () => {
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
