import { readFileSync } from 'node:fs';
import type { Node } from 'constructs';

/** What differs between a stage to try things on and one that sells. */
export type Profile = {
  name: 'dev' | 'prod';
  /** Availability zones of the network, and of the interface endpoints in it. */
  zones: number;
  endpointZones: number;
  /** Aurora Serverless v2, in capacity units of about 2 GiB. */
  capacity: { min: number; max: number };
  readers: number;
  backupDays: number;
  logDays: 14 | 365;
  /** Data, keys and logs outlive a deleted stack, and the stacks refuse to be deleted. */
  keeps: boolean;
  /** Aurora's storage under a key of this stack: a snapshot under Amazon's own key cannot be given to another account. */
  ownKey: boolean;
  /** Whether customers must confirm their e-mail before they can sign in, which takes a sender of mails. */
  confirmEmail: 'none' | 'required';
  /** X-Ray traces of the saga's executions. */
  traces: boolean;
  /** At most one run of a job at a time; needs an account with more than the 10 concurrent runs a new one has. */
  reservesConcurrency: boolean;
  /** Requests a second, and at once, that the HTTP API lets through. */
  throttle: { rate: number; burst: number };
};

export const profiles: Readonly<Record<Profile['name'], Profile>> = {
  dev: {
    name: 'dev',
    zones: 2,
    endpointZones: 1,
    capacity: { min: 0.5, max: 2 },
    readers: 0,
    backupDays: 1,
    logDays: 14,
    keeps: false,
    ownKey: false,
    confirmEmail: 'none',
    traces: false,
    reservesConcurrency: false,
    throttle: { rate: 100, burst: 200 },
  },
  prod: {
    name: 'prod',
    zones: 3,
    endpointZones: 3,
    capacity: { min: 2, max: 32 },
    readers: 1,
    backupDays: 30,
    logDays: 365,
    keeps: true,
    ownKey: true,
    confirmEmail: 'required',
    traces: true,
    reservesConcurrency: true,
    throttle: { rate: 1000, burst: 500 },
  },
};

/** What a deployment was asked for on the command line. */
export type Settings = {
  profile: Profile;
  payments: { provider: 'simulated' } | { provider: 'stripe'; secretArn: string; webhookSecretArn: string };
  /**
   * The OpenID Connect issuer whose tokens are taken: one that is there, or a user pool of the stage's own, with the
   * addresses that it may send customers back to and the first part of its login page's name.
   */
  identity: { issuer: string } | { callbacks: string[]; domain?: string };
  /** Where alarms are mailed to. */
  alarmEmail?: string;
  /** What `GET /health` calls this release. */
  release: string;
  /** Who mails come from; none are sent when absent. */
  mail?: { from: string };
  /** Variables of the functions that are not to have their defaults. */
  variables: Readonly<Partial<Record<(typeof tunable)[number], string>>>;
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
  'CANCELLATION_WINDOW_SECONDS',
  'IDEMPOTENCY_KEY_SECONDS',
  'PAYMENT_TIMEOUT_MS',
  'RECONCILE_DAYS',
  'RECONCILE_GRACE_SECONDS',
  'IDENTITY_GRACE_SECONDS',
  'AUDIT_MONTHS',
] as const;

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));

/** A `-c name=value` that is missing or says what cannot be. */
export class SettingError extends Error {
  override readonly name = 'SettingError';
}

/**
 * Reads `-c profile=dev|prod`, `paymentProvider=simulated|stripe`, `stripeSecretArn`, `stripeWebhookSecretArn`,
 * `identityIssuer` or `identityCallbacks` and `identityDomain`, `alarmEmail`, `mailFrom`, `accountPages`,
 * `confirmEmail=none|required`, `release`, `rateLimit`, `burstLimit` and the `tunable` variables. `dev` and `simulated`
 * when not said; `prod` takes no simulated payments.
 * @throws SettingError saying what to pass instead
 */
export function readSettings(node: Node): Settings {
  const profile = oneOf('profile', ['dev', 'prod'], 'dev');
  const provider = oneOf('paymentProvider', ['simulated', 'stripe'], 'simulated');
  if (profile === 'prod' && provider === 'simulated') {
    throw new SettingError(
      'profile prod does not take simulated payments: pass -c paymentProvider=stripe -c stripeSecretArn=arn:… -c stripeWebhookSecretArn=arn:…',
    );
  }
  const alarmEmail = text('alarmEmail');
  if (alarmEmail !== undefined && !/^[^\s@]+@[^\s@]+$/.test(alarmEmail)) {
    throw new SettingError(`alarmEmail "${alarmEmail}" is not an e-mail address`);
  }
  const mailFrom = text('mailFrom');
  if (mailFrom !== undefined && !/^[^\s@<>"]+@[^\s@<>"]+$/.test(addressIn(mailFrom))) {
    throw new SettingError(`mailFrom "${mailFrom}" is neither an e-mail address nor a name and <address>`);
  }
  const confirmEmail = oneOf('confirmEmail', ['none', 'required'], profiles[profile].confirmEmail);
  if (confirmEmail === 'required' && mailFrom === undefined) {
    throw new SettingError(
      `customers of profile ${profile} confirm their e-mail, which takes mails: pass -c mailFrom=shop@example.com, an address that is verified at SES`,
    );
  }
  const pages = text('accountPages');
  if (pages !== undefined && !/^https:\/\/[^\s#]+$/.test(pages)) {
    throw new SettingError(`accountPages "${pages}" is not the https address of pages of the shop`);
  }
  const { throttle } = profiles[profile];
  return {
    profile: {
      ...profiles[profile],
      throttle: { rate: count('rateLimit', throttle.rate), burst: count('burstLimit', throttle.burst) },
    },
    payments:
      provider === 'simulated'
        ? { provider }
        : {
            provider,
            secretArn: secret('stripeSecretArn', 'the key'),
            webhookSecretArn: secret('stripeWebhookSecretArn', 'what signs the events of the webhook'),
          },
    identity: identity(),
    release: text('release') ?? version,
    variables: Object.fromEntries(
      tunable.filter((name) => text(name) !== undefined).map((name) => [name, String(count(name, 0))]),
    ),
    accounts: { CONFIRM_EMAIL: confirmEmail, ...(pages === undefined ? {} : { ACCOUNT_PAGES_URL: pages }) },
    ...(mailFrom === undefined ? {} : { mail: { from: mailFrom } }),
    ...(alarmEmail === undefined ? {} : { alarmEmail }),
  };

  function text(name: string): string | undefined {
    const value: unknown = node.tryGetContext(name);
    return value === undefined || value === '' ? undefined : String(value);
  }

  function identity(): Settings['identity'] {
    const [issuer, callbacks, domain] = [text('identityIssuer'), text('identityCallbacks'), text('identityDomain')];
    if (issuer !== undefined) {
      if (!/^https:\/\/[^\s/?#]+(\/[^\s?#]*)?$/.test(issuer)) {
        throw new SettingError(`identityIssuer is an https address as it stands in tokens, not "${issuer}"`);
      }
      if (callbacks !== undefined || domain !== undefined) {
        throw new SettingError(
          'identityCallbacks and identityDomain are for a user pool: say them at the issuer instead',
        );
      }
      return { issuer };
    }
    // What the demo page of a laptop's identity provider listens on: a dev stage can be tried with no shop of one's own.
    const laptop = profile === 'dev' ? 'http://localhost:3001/demo' : '';
    const urls = (callbacks ?? laptop).split(',').flatMap((part) => part.trim() || []);
    const wrong = urls.find(
      (url) => !/^(https:\/\/|http:\/\/localhost[:/]|(?!https?:)[a-z][a-z0-9+.-]*:\/)\S+$/.test(url),
    );
    if (wrong !== undefined)
      throw new SettingError(`identityCallbacks has "${wrong}", which is no address to come back to`);
    if (domain !== undefined && !/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(domain)) {
      throw new SettingError(`identityDomain is lower-case letters, digits and dashes, not "${domain}"`);
    }
    return { callbacks: urls, ...(domain === undefined ? {} : { domain }) };
  }

  function secret(name: string, what: string): string {
    const arn = text(name) ?? '';
    if (!/^arn:[a-z-]+:secretsmanager:[^:]+:\d{12}:secret:.+-[A-Za-z0-9]{6}$/.test(arn)) {
      throw new SettingError(
        `paymentProvider stripe needs -c ${name}=arn:…, the full ARN of the Secrets Manager secret that holds ${what}`,
      );
    }
    return arn;
  }

  function oneOf<T extends string>(name: string, values: readonly T[], otherwise: T): T {
    const value = text(name) ?? otherwise;
    if (!values.includes(value as T)) throw new SettingError(`${name} is ${values.join(' or ')}, not "${value}"`);
    return value as T;
  }

  function count(name: string, otherwise: number): number {
    const value = Number(text(name) ?? otherwise);
    if (!Number.isInteger(value) || value < 1) throw new SettingError(`${name} is a whole number of at least 1`);
    return value;
  }
}

/** The address in `Name <address>`, or the text itself. */
export const addressIn = (sender: string): string => /<([^<>]*)>\s*$/.exec(sender)?.[1] ?? sender;
