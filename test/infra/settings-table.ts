import type { Profile } from '../../infra/profiles.ts';
import { stripeSecret, webhookSecret } from './synthesized.ts';

const stripe = {
  paymentProvider: 'stripe',
  stripeSecretArn: stripeSecret,
  stripeWebhookSecretArn: webhookSecret,
};
const issuer = { identityIssuer: 'https://login.example.com/shop' };
const login = { identityCallbacks: 'https://shop.example/callback,com.example.shop://in', identityDomain: 'tea-shop' };
const mails = { mailFrom: 'The Shop <shop@example.com>', confirmEmail: 'required', orderMails: 'all' };
const noMails = { mailFrom: '', confirmEmail: 'none', orderMails: 'none' };
const alarms = { alarmEmail: 'duty@example.com' };
const noAlarms = { alarmEmail: '' };
const others = { accountPages: 'https://shop.example.com/account', RATE_LIMIT_PER_MINUTE: '300', rateLimit: '50' };

const cdn = {
  catalogMaxAge: '5',
  catalogDomainName: 'catalog.tea.example',
  catalogCertificateArn: 'arn:aws:acm:us-east-1:123456789012:certificate/0a1b2c3d-0000-1111-2222-333344445555',
};
const size = {
  readers: '0',
  databaseCapacity: '1-16',
  backupDays: '14',
  canary: 'off',
  rateClasses: 'high:20/5/1000',
};

/** Settings that a stage may have, one after the other, each far enough from the first one. */
export const settingsOf: Record<Profile['name'], Record<string, Record<string, string>>> = {
  dev: {
    'no settings': {},
    stripe,
    'an issuer': issuer,
    'callbacks and a domain': login,
    'mails and alarms': { ...mails, ...alarms },
    'a CDN': { catalogMaxAge: '60' },
    'all of them': { ...stripe, ...issuer, ...mails, ...alarms, ...others, ...cdn, readers: '1', traces: 'on' },
  },
  staging: {
    'no settings': {},
    'Stripe, mails and a CDN': { ...stripe, ...mails, catalogMaxAge: '60' },
  },
  small: {
    'no settings': {},
    'an issuer, alarms and a CDN': { ...issuer, ...alarms, catalogMaxAge: '60' },
    'callbacks and others': { ...login, ...others },
  },
  prod: {
    'mails and alarms': {},
    'an issuer': issuer,
    'a CDN and another size': { ...cdn, ...size },
    'callbacks, no mails, no alarms': { ...login, ...noMails, ...noAlarms, ...others },
  },
};
