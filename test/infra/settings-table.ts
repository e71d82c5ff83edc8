import type { Profile } from '../../infra/profiles.ts';
import { stripeSecret, webhookSecret } from './synthesized.ts';

const stripe = {
  paymentProvider: 'stripe',
  stripeSecretArn: stripeSecret,
  stripeWebhookSecretArn: webhookSecret,
};
const issuer = { identityIssuer: 'https://login.example.com/shop' };
const login = { identityCallbacks: 'https://shop.example/callback,com.example.shop://in' };
const mails = { mailFrom: 'The Shop <shop@example.com>', confirmEmail: 'required', orderMails: 'all' };
const noMails = { mailFrom: '', confirmEmail: 'none', orderMails: 'none' };
const alarms = { alarmEmail: 'duty@example.com' };
const byChat = { alarmEmail: '', noticesSecretArn: stripeSecret.replace('stripe', 'notices') };
const others = {
  accountPages: 'https://shop.example.com/account',
  RATE_LIMIT_PER_MINUTE: '300',
  rateLimit: '50',
  burstLimit: '80',
  ...{ sqlComments: 'all', preparedStatements: 'off', cache: 'off' },
  ...{ captureAt: 'shipment', authorizationExpiry: 'review', tax: 'included', shippingMethod: 'required' },
  orderNumberPrefix: 'TEA',
};

const cdn = {
  catalogMaxAge: '5',
  catalogDomainName: 'catalog.tea.example',
  catalogCertificateArn: 'arn:aws:acm:us-east-1:123456789012:certificate/0a1b2c3d-0000-1111-2222-333344445555',
};
const toAndFro = {
  noticesSecretArn: stripeSecret.replace('stripe', 'notices'),
  metricsSecretArn: stripeSecret.replace('stripe', 'metrics'),
  domainName: 'api.tea.example',
  certificateArn: 'arn:aws:acm:eu-west-1:123456789012:certificate/0a1b2c3d-0000-1111-2222-333344445555',
  dynamodbPrefixList: 'pl-0a1b2c3d',
  s3PrefixList: 'pl-1a1b2c3d',
};
const size = {
  readers: '0',
  databaseCapacity: '1-16',
  backupDays: '14',
  canary: 'off',
  reserveConcurrency: 'off',
  rateClasses: 'high:20/5/1000',
};

const backups = {
  backupLock: 'compliance',
  backupCopyVault: 'arn:aws:backup:eu-central-1:123456789012:backup-vault:elsewhere',
};

/** The name of a bus of the shop, which one of the settings of `dev` publishes to. */
export const shopBus = 'tea-events';

/** Settings that a stage may have, one after the other, each far enough from the first one. */
export const settingsOf: Record<Profile['name'], Record<string, Record<string, string>>> = {
  dev: {
    'no settings': {},
    stripe,
    'an issuer': issuer,
    callbacks: login,
    'mails and alarms': { ...mails, ...alarms },
    'a CDN': { catalogMaxAge: '60' },
    'all of them': {
      ...stripe,
      ...issuer,
      ...mails,
      ...alarms,
      ...others,
      ...cdn,
      ...toAndFro,
      eventBus: shopBus,
      readers: '1',
      traces: 'on',
      warehouse: 'on',
    },
  },
  staging: {
    'no settings': {},
    'Stripe, mails, a CDN, and no warehouse': { ...stripe, ...mails, catalogMaxAge: '60', warehouse: 'off' },
  },
  small: {
    'no settings': {},
    'an issuer, alarms and a CDN': { ...issuer, ...alarms, catalogMaxAge: '60' },
    'callbacks and others': { ...login, ...others },
  },
  prod: {
    'mails and alarms': {},
    'an issuer': issuer,
    'a CDN, another size, and no warehouse': { ...cdn, ...size, ...toAndFro, warehouse: 'off' },
    'callbacks, no mails, alarms by chat': { ...login, ...noMails, ...byChat, ...others, ...backups },
  },
};
