import { readFileSync } from 'node:fs';
import type { Node } from 'constructs';
import { Given, SettingError } from './given.ts';
import { type Profile, profiles } from './profiles.ts';
import { type Brought, broughtOf, databaseOf } from './settings-brought.ts';

export { SettingError } from './given.ts';

/** What a deployment was asked for on the command line. */
export type Settings = {
  profile: Profile;
  payments: { provider: 'simulated' } | { provider: 'stripe'; secretArn: string; webhookSecretArn: string };
  /**
   * The OpenID Connect issuer whose tokens are accepted: an existing one, or the stage's own user pool, with the
   * addresses that it may send customers back to and the first part of its login page's name.
   */
  identity: { issuer: string } | { callbacks: string[]; domain?: string };
  /** Who gets alarms by e-mail. */
  alarmEmail?: string;
  /** The secret that holds where else notices of alarms go: chats, and a webhook. */
  noticesSecretArn?: string;
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
  mail?: { from: string };
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
        | 'ORDER_NUMBER_PREFIX',
        string
      >
    >
  >;
  /** What the shop has already and the stage uses. */
  brought: Brought;
  /** Variables of the functions that open and recover accounts. */
  accounts: { CONFIRM_EMAIL: 'none' | 'required'; ACCOUNT_PAGES_URL?: string };
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

const secretArn = /^arn:[a-z-]+:secretsmanager:[^:]+:\d{12}:secret:.+-[A-Za-z0-9]{6}$/;

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));

/**
 * Reads `-c profile=dev|small|prod`, `paymentProvider=simulated|stripe`, `captureAt=checkout|shipment`,
 * `authorizationExpiry=capture|review`, `stripeSecretArn`, `stripeWebhookSecretArn`,
 * `identityIssuer` or `identityCallbacks` and `identityDomain`, `alarmEmail`, `noticesSecretArn`, `mailFrom`, `accountPages`,
 * `confirmEmail=none|required`, `orderMails=none|all`, `preparedStatements=on|off`, `cache=on|off`, `catalogMaxAge`,
 * `orderNumberPrefix`, `tax=none|included|excluded`, `shippingMethod=optional|required`, `release`, `rateLimit`, `burstLimit`,
 * `reserveConcurrency=on|off`, `canary=on|off`, `warehouse=on|off`, `traces=on|off`, `sqlComments=none|sampled|all`, `zones`,
 * `dynamodbPrefixList`, `s3PrefixList`, `backupLock=governance|compliance`, `backupCopyVault`, `approveDataLoss`, `databaseCapacity`,
 * `readers`, `backupDays`, `domainName` with `certificateArn`, `eventBus`, `vpcId` with `vpcSubnets` and `vpcEndpointGroup`, and the
 * `tunable` variables; `settings=FILE` names a file that has them. The defaults are `dev`
 * and `simulated`; `small` and `prod` refuse simulated payments, and `small` mails.
 * @throws SettingError saying what to pass instead
 */
export function readSettings(node: Node): Settings {
  const given = new Given(node);
  const name = given.oneOf('profile', ['dev', 'small', 'prod'], 'dev');
  const { throttle, reservesConcurrency, canary, traces } = profiles[name];
  const rate = given.count('rateLimit', throttle.rate);
  const profile: Profile = {
    ...profiles[name],
    throttle: { rate, burst: given.count('burstLimit', throttle.burst) },
    reservesConcurrency: given.oneOf('reserveConcurrency', ['on', 'off'], reservesConcurrency ? 'on' : 'off') === 'on',
    canary: given.oneOf('canary', ['on', 'off'], canary ? 'on' : 'off') === 'on',
    warehouse: given.oneOf('warehouse', ['on', 'off'], profiles[name].warehouse ? 'on' : 'off') === 'on',
    traces: given.oneOf('traces', ['on', 'off'], traces ? 'on' : 'off') === 'on',
    ...databaseOf(given, profiles[name]),
    ...zonesOf(given, profiles[name]),
  };
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
  const noticesSecretArn = given.matching('noticesSecretArn', secretArn, 'is not the full ARN of a secret');
  const settings: Settings = {
    profile,
    brought: broughtOf(given, profile),
    payments: paymentsOf(given, name),
    identity: identityOf(given, name),
    backups: backupsOf(given),
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
      ...pricingOf(given),
    },
    orderMails: orderMailsOf(given, mail),
    accounts: accountsOf(given, profile, mail),
    ...(mail === undefined ? {} : { mail }),
    ...(catalogMaxAge === undefined ? {} : { catalogMaxAge }),
    ...(alarmEmail === undefined ? {} : { alarmEmail }),
    ...(noticesSecretArn === undefined ? {} : { noticesSecretArn }),
    ...(dynamodbPrefixList === undefined ? {} : { dynamodbPrefixList }),
    ...(s3PrefixList === undefined ? {} : { s3PrefixList }),
  };
  given.checkFile();
  return settings;
}

function maxAgeOf(given: Given): number | undefined {
  if (given.text('catalogMaxAge') === undefined) return undefined;
  const seconds = given.count('catalogMaxAge', 1);
  if (seconds > 3600) throw new SettingError('catalogMaxAge is at most 3600 seconds');
  return seconds;
}

function backupsOf(given: Given): Settings['backups'] {
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

function orderMailsOf(given: Given, mail: Settings['mail']): boolean {
  const wanted = given.oneOf('orderMails', ['none', 'all'], 'none') === 'all';
  if (wanted && mail === undefined)
    throw new SettingError('orderMails all needs a sender: -c mailFrom=shop@example.com');
  return wanted;
}

/** Zones are named where some of a region lack RDS Proxy, or an endpoint that the network needs. */
function zonesOf(given: Given, { zones, endpointZones }: Profile) {
  const named = given
    .text('zones')
    ?.split(',')
    .map((zone) => zone.trim());
  if (named === undefined) return {};
  const wrong = named.find((zone) => !/^[a-z]{2}(-[a-z]+)+-\d[a-z]$/.test(zone));
  if (wrong !== undefined) throw new SettingError(`zones has "${wrong}", which is no availability zone`);
  if (new Set(named).size !== named.length || named.length < 2) {
    throw new SettingError('zones needs at least two different availability zones: -c zones=eu-west-1a,eu-west-1b');
  }
  return {
    zoneNames: named,
    zones: Math.min(zones, named.length),
    endpointZones: Math.min(endpointZones, named.length),
  };
}

function paymentsOf(given: Given, profile: Profile['name']): Settings['payments'] {
  const provider = given.oneOf('paymentProvider', ['simulated', 'stripe'], 'simulated');
  if (provider === 'simulated') {
    if (profile === 'dev') return { provider };
    throw new SettingError(
      `profile ${profile} does not take simulated payments: pass -c paymentProvider=stripe -c stripeSecretArn=arn:… -c stripeWebhookSecretArn=arn:…`,
    );
  }
  const secret = (name: string, what: string): string => {
    const arn = given.text(name) ?? '';
    if (secretArn.test(arn)) return arn;
    throw new SettingError(
      `paymentProvider stripe needs -c ${name}=arn:…, the full ARN of the Secrets Manager secret that holds ${what}`,
    );
  };
  return {
    provider,
    secretArn: secret('stripeSecretArn', 'the key'),
    webhookSecretArn: secret('stripeWebhookSecretArn', 'what signs the events of the webhook'),
  };
}

function identityOf(given: Given, profile: Profile['name']): Settings['identity'] {
  const issuer = given.text('identityIssuer');
  const [callbacks, domain] = [given.text('identityCallbacks'), given.text('identityDomain')];
  if (issuer !== undefined) {
    if (!/^https:\/\/[^\s/?#]+(\/[^\s?#]*)?$/.test(issuer)) {
      throw new SettingError(`identityIssuer is an https address exactly as in tokens, not "${issuer}"`);
    }
    if (callbacks !== undefined || domain !== undefined) {
      throw new SettingError(
        'identityCallbacks and identityDomain are for a user pool: set them at the issuer instead',
      );
    }
    return { issuer };
  }
  // The demo page of a laptop's identity provider listens there, so that a dev stage can be tried without a shop.
  const laptop = profile === 'dev' ? 'http://localhost:3001/demo' : '';
  const urls = (callbacks ?? laptop).split(',').flatMap((part) => part.trim() || []);
  const allowed = /^(https:\/\/|http:\/\/localhost[:/]|(?!https?:)[a-z][a-z0-9+.-]*:\/)\S+$/;
  const wrong = urls.find((url) => !allowed.test(url));
  if (wrong !== undefined)
    throw new SettingError(`identityCallbacks has "${wrong}", which is no address to come back to`);
  if (domain !== undefined && !/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(domain)) {
    throw new SettingError(`identityDomain is lower-case letters, digits and dashes, not "${domain}"`);
  }
  return { callbacks: urls, ...(domain === undefined ? {} : { domain }) };
}

function pricingOf(given: Given): Record<string, string> {
  const tax = given.oneOf('tax', ['none', 'included', 'excluded'], 'none');
  const shippingMethod = given.oneOf('shippingMethod', ['optional', 'required'], 'optional');
  return {
    ...(tax === 'none' ? {} : { TAX: tax }),
    ...(shippingMethod === 'optional' ? {} : { SHIPPING_METHOD: shippingMethod }),
  };
}

function mailOf(given: Given, { name, jobsAt }: Profile): Settings['mail'] {
  const from = given.text('mailFrom');
  if (from === undefined) return undefined;
  // A code that comes hours later is of no use.
  if (jobsAt !== undefined) throw new SettingError(`profile ${name} sends no mails: leave out mailFrom, or use prod`);
  if (!/^[^\s@<>"]+@[^\s@<>"]+$/.test(addressIn(from))) {
    throw new SettingError(`mailFrom "${from}" is neither an e-mail address nor a name and <address>`);
  }
  return { from };
}

function accountsOf(given: Given, profile: Profile, mail: Settings['mail']): Settings['accounts'] {
  const confirmEmail = given.oneOf('confirmEmail', ['none', 'required'], profile.confirmEmail);
  if (confirmEmail === 'required' && mail === undefined) {
    throw new SettingError(
      `customers of profile ${profile.name} confirm their e-mail, which takes mails: pass -c mailFrom=shop@example.com, an address that is verified at SES`,
    );
  }
  const pages = given.matching('accountPages', /^https:\/\/[^\s#]+$/, 'is not the https address of pages of the shop');
  return { CONFIRM_EMAIL: confirmEmail, ...(pages === undefined ? {} : { ACCOUNT_PAGES_URL: pages }) };
}

/** The address in `Name <address>`, or the text itself. */
export const addressIn = (sender: string): string => /<([^<>]*)>\s*$/.exec(sender)?.[1] ?? sender;
