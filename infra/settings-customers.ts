import { type Given, SettingError } from './given.ts';
import { type Profile, profiles } from './profiles.ts';

/**
 * The OpenID Connect issuer whose tokens are accepted: an existing one, or the stage's own user pool, with the addresses that it may
 * send customers back to and the first part of its login page's name.
 */
export type IdentitySettings = { issuer: string } | { callbacks: string[]; domain?: string };

/** The sender of mails. */
export type MailSettings = { from: string };

/** Variables of the functions that open and recover accounts. */
export type AccountSettings = { CONFIRM_EMAIL: 'none' | 'required'; ACCOUNT_PAGES_URL?: string };

/** Where customers sign in. @throws SettingError */
export function identityOf(given: Given, profile: Profile['name']): IdentitySettings {
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
  const own = urls.find((url) => url.startsWith('http://localhost'));
  if (own !== undefined && profiles[profile].keeps)
    throw new SettingError(
      `identityCallbacks has "${own}": whatever runs on a customer’s machine could take the code of profile ${profile}`,
    );
  if (domain !== undefined && !/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(domain)) {
    throw new SettingError(`identityDomain is lower-case letters, digits and dashes, not "${domain}"`);
  }
  return { callbacks: urls, ...(domain === undefined ? {} : { domain }) };
}

/** The sender of mails. @throws SettingError */
export function mailOf(given: Given, { name, jobsAt }: Profile): MailSettings | undefined {
  const from = given.text('mailFrom');
  if (from === undefined) return undefined;
  // A code that comes hours later is of no use.
  if (jobsAt !== undefined) throw new SettingError(`profile ${name} sends no mails: leave out mailFrom, or use prod`);
  if (!/^[^\s@<>"]+@[^\s@<>"]+$/.test(addressIn(from))) {
    throw new SettingError(`mailFrom "${from}" is neither an e-mail address nor a name and <address>`);
  }
  return { from };
}

/** How customers open and recover accounts. @throws SettingError */
export function accountsOf(given: Given, profile: Profile, mail: MailSettings | undefined): AccountSettings {
  const confirmEmail = given.oneOf('confirmEmail', ['none', 'required'], profile.confirmEmail);
  if (confirmEmail === 'required' && profile.jobsAt !== undefined)
    throw new SettingError(`profile ${profile.name} sends no mails: leave out confirmEmail, or use prod`);
  if (confirmEmail === 'required' && mail === undefined) {
    throw new SettingError(
      `customers of profile ${profile.name} confirm their e-mail, which takes mails: pass -c mailFrom=shop@example.com, an address that is verified at SES`,
    );
  }
  const pages = given.matching('accountPages', /^https:\/\/[^\s#]+$/, 'is not the https address of pages of the shop');
  return { CONFIRM_EMAIL: confirmEmail, ...(pages === undefined ? {} : { ACCOUNT_PAGES_URL: pages }) };
}

/** Whether customers get mails about their orders. @throws SettingError */
export function orderMailsOf(given: Given, mail: MailSettings | undefined): boolean {
  const wanted = given.oneOf('orderMails', ['none', 'all'], 'none') === 'all';
  if (wanted && mail === undefined)
    throw new SettingError('orderMails all needs a sender: -c mailFrom=shop@example.com');
  return wanted;
}

/** The address in `Name <address>`, or the text itself. */
export const addressIn = (sender: string): string => /<([^<>]*)>\s*$/.exec(sender)?.[1] ?? sender;
