import { readFileSync } from 'node:fs';
import type { Node } from 'constructs';
import { rateClassesOf } from '../lib/contract/deploy/limits.ts';
import { fullSecretArn, Given, SettingError } from './given.ts';
import type { Profile } from './profiles.ts';
import { type Brought, broughtOf } from './settings-brought.ts';
import { checkTogether } from './settings-checks.ts';
import {
  type AccountSettings,
  accountsOf,
  type IdentitySettings,
  identityOf,
  type MailSettings,
  mailOf,
  orderMailsOf,
} from './settings-customers.ts';
import { profileOf } from './settings-profile.ts';

export { SettingError } from './given.ts';

/** What a deployment was asked for on the command line. */
export type Settings = {
  profile: Profile;
  payments: { provider: 'simulated' } | { provider: 'stripe'; secretArn: string; webhookSecretArn: string };
  identity: IdentitySettings;
  /** Who gets alarms by e-mail. */
  alarmEmail?: string;
  /** The secret that holds where else notices of alarms go: chats, and a webhook. */
  noticesSecretArn?: string;
  /** The secret with the tokens of who may read the stage's metrics; without it nobody can. */
  metricsSecretArn?: string;
  /**
   * Whether the lock of the backups' vault can be taken off again (`governance`) or, three days after it was put on, by nobody
   * (`compliance`); and the ARN of a vault elsewhere, in another region or account, that daily backups are copied to.
   */
  backups: { lock: 'governance' | 'compliance'; copyTo?: string };
  /** Migrations that may lose data in a stage that sells, by name. */
  approvedDataLoss: string[];
  /** What `GET /health` calls this release. */
  release: string;
  /** The prefix list of DynamoDB in the region, to which the functions' way out is narrowed. */
  dynamodbPrefixList?: string;
  /** The same of S3. */
  s3PrefixList?: string;
  /** How old reads of the catalogue by the CDN may be, in seconds; without it there is no CDN. */
  catalogMaxAge?: number;
  /** The sender of mails; without it none are sent. */
  mail?: MailSettings;
  /** Whether customers get mails about their orders. */
  orderMails: boolean;
  /** Variables of the functions that have other values than their defaults. */
  variables: Readonly<
    Partial<
      Record<
        | (typeof tunable)[number]
        | 'PREPARED_STATEMENTS'
        | 'SQL_COMMENTS'
        | 'CACHE'
        | 'CATALOG_MAX_AGE_SECONDS'
        | 'CAPTURE_AT'
        | 'AUTHORIZATION_EXPIRY'
        | 'ORDER_NUMBER_PREFIX'
        | 'RATE_CLASSES',
        string
      >
    >
  >;
  /** What the shop has already and the stage uses. */
  brought: Brought;
  accounts: AccountSettings;
};

/** Variables of `lib/platform/config.ts` that a deployment may set, by `-c NAME=number`. */
export const tunable = [
  'RATE_LIMIT_PER_MINUTE',
  'SESSION_IDLE_SECONDS',
  'SESSION_MAX_SECONDS',
  'RESERVATION_SECONDS',
  'SWEEP_AFTER_SECONDS',
  'MAX_UNPAID_ORDERS',
  'MAX_UNPAID_UNITS',
  'AUTHORIZATION_MARGIN_SECONDS',
  'CANCELLATION_WINDOW_SECONDS',
  'IDEMPOTENCY_KEY_SECONDS',
  'PAYMENT_TIMEOUT_MS',
  'INCLUDE_TIMEOUT_MS',
  'RECONCILE_DAYS',
  'RECONCILE_GRACE_SECONDS',
  'IDENTITY_GRACE_SECONDS',
  'AUDIT_MONTHS',
  'ARCHIVE_AFTER_MONTHS',
] as const;

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));

/**
 * Reads `-c profile=dev|small|prod`, `paymentProvider=simulated|stripe`, `captureAt=checkout|shipment`,
 * `authorizationExpiry=capture|review`, `stripeSecretArn`, `stripeWebhookSecretArn`,
 * `identityIssuer` or `identityCallbacks` and `identityDomain`, `alarmEmail`, `noticesSecretArn`, `metricsSecretArn`, `mailFrom`, `accountPages`,
 * `confirmEmail=none|required`, `orderMails=none|all`, `preparedStatements=on|off`, `cache=on|off`, `catalogMaxAge`,
 * `orderNumberPrefix`, `tax=none|included|excluded`, `shippingMethod=optional|required`, `release`, `rateLimit`, `burstLimit`,
 * `reserveConcurrency=on|off`, `canary=on|off`, `warehouse=on|off`, `traces=on|off`, `sqlComments=none|sampled|all`, `zones`,
 * `dynamodbPrefixList`, `s3PrefixList`, `backupLock=governance|compliance`, `backupCopyVault`, `approveDataLoss`, `databaseCapacity`,
 * `readers`, `backupDays`, `databaseHost` with `databasePort`, …, `domainName` with `certificateArn`, `eventBus`, `vpcId` with `vpcSubnets` and `vpcEndpointGroup`, and the
 * `tunable` variables; `settings=FILE` names a file that has them. The defaults are `dev`
 * and `simulated`; `small` and `prod` refuse simulated payments, and `small` mails.
 * @throws SettingError saying what to pass instead
 */
export function readSettings(node: Node): Settings {
  const given = new Given(node);
  const profile = profileOf(given);
  const mail = mailOf(given, profile);
  const catalogMaxAge = maxAgeOf(given);
  const [dynamodbPrefixList, s3PrefixList] = (['dynamodbPrefixList', 's3PrefixList'] as const).map((list) =>
    given.matching(list, /^pl-[0-9a-f]{8,17}$/, 'is not a prefix list'),
  );
  const sqlComments = given.oneOf('sqlComments', ['none', 'sampled', 'all'], 'sampled');
  const orderNumberPrefix = given.matching(
    'orderNumberPrefix',
    /^[A-Z0-9]{1,10}$/,
    'is not 1 to 10 capitals or digits',
  );
  const alarmEmail = given.matching('alarmEmail', /^[^\s@]+@[^\s@]+$/, 'is not an e-mail address');
  const [noticesSecretArn, metricsSecretArn] = (['noticesSecretArn', 'metricsSecretArn'] as const).map((secret) =>
    given.matching(secret, fullSecretArn, 'is not the full ARN of a secret'),
  );
  const settings: Settings = {
    profile,
    brought: broughtOf(given, profile),
    payments: paymentsOf(given, profile.name),
    identity: identityOf(given, profile.name),
    backups: backupsOf(given, profile),
    approvedDataLoss: (given.text('approveDataLoss') ?? '').split(',').flatMap((part) => part.trim() || []),
    release: given.text('release') ?? version,
    variables: {
      ...Object.fromEntries(
        tunable.filter((each) => given.text(each) !== undefined).map((each) => [each, String(given.count(each, 0))]),
      ),
      ...(given.oneOf('preparedStatements', ['on', 'off'], 'on') === 'off' ? { PREPARED_STATEMENTS: 'off' } : {}),
      ...(sqlComments === 'sampled' ? {} : { SQL_COMMENTS: sqlComments }),
      ...(given.oneOf('cache', ['on', 'off'], 'on') === 'off' ? { CACHE: 'off' } : {}),
      ...(given.oneOf('captureAt', ['checkout', 'shipment'], 'checkout') === 'shipment'
        ? { CAPTURE_AT: 'shipment' }
        : {}),
      ...(given.oneOf('authorizationExpiry', ['capture', 'review'], 'capture') === 'review'
        ? { AUTHORIZATION_EXPIRY: 'review' }
        : {}),
      ...(orderNumberPrefix === undefined ? {} : { ORDER_NUMBER_PREFIX: orderNumberPrefix }),
      ...(catalogMaxAge === undefined ? {} : { CATALOG_MAX_AGE_SECONDS: String(catalogMaxAge) }),
      ...rateClassesIn(given),
      ...pricingOf(given),
    },
    orderMails: orderMailsOf(given, mail),
    accounts: accountsOf(given, profile, mail),
    ...(mail === undefined ? {} : { mail }),
    ...(catalogMaxAge === undefined ? {} : { catalogMaxAge }),
    ...(alarmEmail === undefined ? {} : { alarmEmail }),
    ...(noticesSecretArn === undefined ? {} : { noticesSecretArn }),
    ...(metricsSecretArn === undefined ? {} : { metricsSecretArn }),
    ...(dynamodbPrefixList === undefined ? {} : { dynamodbPrefixList }),
    ...(s3PrefixList === undefined ? {} : { s3PrefixList }),
  };
  given.checkNames();
  checkTogether(given, settings);
  return settings;
}

function maxAgeOf(given: Given): number | undefined {
  if (given.text('catalogMaxAge') === undefined) return undefined;
  const seconds = given.count('catalogMaxAge', 1);
  if (seconds > 3600) throw new SettingError('catalogMaxAge is at most 3600 seconds');
  return seconds;
}

function backupsOf(given: Given, { name, vault }: Profile): Settings['backups'] {
  const ofVault = ['backupLock', 'backupCopyVault'].find((setting) => given.text(setting) !== undefined);
  if (ofVault !== undefined && !vault)
    throw new SettingError(`profile ${name} has no vault of backups: leave out ${ofVault}, or use prod`);
  const copyTo = given.matching(
    'backupCopyVault',
    /^arn:[a-z-]+:backup:[a-z0-9-]+:\d{12}:backup-vault:[A-Za-z0-9_-]{2,50}$/,
    'is not the ARN of a vault of AWS Backup',
  );
  return {
    lock: given.oneOf('backupLock', ['governance', 'compliance'], 'governance'),
    ...(copyTo === undefined ? {} : { copyTo }),
  };
}

function paymentsOf(given: Given, profile: Profile['name']): Settings['payments'] {
  const provider = given.oneOf('paymentProvider', ['simulated', 'stripe'], 'simulated');
  if (provider === 'simulated') {
    if (profile === 'dev' || profile === 'staging') {
      if (given.text('stripeSecretArn') !== undefined || given.text('stripeWebhookSecretArn') !== undefined)
        throw new SettingError(
          'payments are simulated, whatever secrets there are: pass -c paymentProvider=stripe too',
        );
      return { provider };
    }
    throw new SettingError(
      `profile ${profile} does not take simulated payments: pass -c paymentProvider=stripe -c stripeSecretArn=arn:… -c stripeWebhookSecretArn=arn:…`,
    );
  }
  const secret = (name: string, what: string): string => {
    const arn = given.text(name) ?? '';
    if (fullSecretArn.test(arn)) return arn;
    throw new SettingError(
      `paymentProvider stripe needs -c ${name}=arn:…, the full ARN of the Secrets Manager secret that holds ${what}`,
    );
  };
  const secretArn = secret('stripeSecretArn', 'the key');
  const webhookSecretArn = secret('stripeWebhookSecretArn', 'what signs the events of the webhook');
  if (secretArn === webhookSecretArn)
    throw new SettingError('stripeSecretArn and stripeWebhookSecretArn name one secret for two things: make two');
  return { provider, secretArn, webhookSecretArn };
}

function rateClassesIn(given: Given): Record<string, string> {
  const text = given.text('rateClasses');
  if (text === undefined) return {};
  try {
    rateClassesOf(text);
  } catch (error) {
    throw new SettingError(`rateClasses: ${(error as Error).message}`);
  }
  return { RATE_CLASSES: text };
}

function pricingOf(given: Given): Record<string, string> {
  const tax = given.oneOf('tax', ['none', 'included', 'excluded'], 'none');
  const shippingMethod = given.oneOf('shippingMethod', ['optional', 'required'], 'optional');
  return {
    ...(tax === 'none' ? {} : { TAX: tax }),
    ...(shippingMethod === 'optional' ? {} : { SHIPPING_METHOD: shippingMethod }),
  };
}
