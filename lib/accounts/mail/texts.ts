/**
 * Kinds of mail to customers about their accounts. `nobody` is never sent: it takes the place of a mail to an address without an account.
 */
export const accountMailKinds = [
  'confirm',
  'sign-up-again',
  'reset',
  'nobody',
  'change',
  'change-taken',
  'change-asked',
  'email-changed',
  'password-changed',
  'sign-ins-failed',
  'identity-linked',
  'identity-unlinked',
  'account-suspended',
  'account-reactivated',
  'account-erased',
] as const;
export type AccountMailKind = (typeof accountMailKinds)[number];

/** Kinds of mail to customers about their orders. */
export type OrderMailKind =
  | 'order-confirmed'
  | 'order-failed'
  | 'order-cancelled'
  | 'order-refunded'
  | 'order-shipped'
  | 'units-cancelled';

/** Kinds of mail to the contacts of applications. */
export type WebhookMailKind = 'webhook-endpoint-disabled';

/** Kinds of mail to whoever an application has reports sent to. */
export type ReportMailKind = 'report' | 'report-failed';

export type MailKind = AccountMailKind | OrderMailKind | WebhookMailKind | ReportMailKind;

/** Kinds of mail that contain a token. */
export type TokenKind = 'confirm' | 'reset' | 'change';

/** What stands in the text of a mail until it is sent with a token. */
export const tokenPlace = '{token}';

/** The subject and text of a mail. With a `pagesUrl` the token is a link to one of the shop's pages, else a code. */
export function mailOf(
  kind: AccountMailKind,
  {
    token = '',
    pagesUrl,
    issuer = '',
  }: { token?: string | undefined; pagesUrl?: string | undefined; issuer?: string } = {},
): { subject: string; text: string } {
  // The token is in the fragment, which browsers send neither to the server nor as a referrer.
  const tokenFor = (page: string) =>
    pagesUrl === undefined
      ? `Use this code:\n\n${token}`
      : `Follow this link:\n\n${pagesUrl.replace(/\/+$/, '')}/${page}#token=${token}`;
  const [subject, ...paragraphs] = texts[kind](tokenFor, issuer);
  return { subject: subject!, text: `${paragraphs.join('\n\n')}\n` };
}

const ifNotYou = 'If it was not you, ignore this mail: nothing will change. Do not forward it to anyone.';
const ifStolen = 'If it was not you, reset your password now.';

/** For each kind, the subject and then the paragraphs. */
const texts: Readonly<Record<AccountMailKind, (tokenFor: (page: string) => string, issuer: string) => string[]>> = {
  confirm: (tokenFor) => [
    'Confirm your e-mail address',
    'Someone signed up with this address. If it was you, confirm it.',
    tokenFor('confirm-email'),
    `It works once, within a day. ${ifNotYou}`,
  ],
  'sign-up-again': () => [
    'You already have an account',
    'Someone tried to sign up with this address, which already has an account. Nothing has changed.',
    'If it was you, sign in as usual. If you forgot your password, reset it.',
  ],
  reset: (tokenFor) => [
    'Reset your password',
    'Someone asked to reset the password of the account with this address. If it was you, choose a new password.',
    tokenFor('reset-password'),
    `It works once, within an hour. ${ifNotYou}`,
  ],
  nobody: () => ['', ''],
  change: (tokenFor) => [
    'Confirm your new e-mail address',
    'Someone asked to use this address for their account. If it was you, confirm it.',
    tokenFor('change-email'),
    `It works once, within a day. ${ifNotYou}`,
  ],
  'change-taken': () => [
    'You already have an account',
    'Someone asked to use this address for another account. It already has an account, and nothing has changed.',
  ],
  'change-asked': () => [
    'Your e-mail address is about to change',
    'Someone who gave your password asked to change the e-mail address of your account. It changes when the new address is confirmed.',
    ifStolen,
  ],
  'email-changed': () => [
    'Your e-mail address has changed',
    'Your account now has another e-mail address, and all its sessions were signed out. This is the last mail to this address.',
    'If it was not you, contact us.',
  ],
  'password-changed': () => ['Your password has changed', 'The password of your account was changed.', ifStolen],
  'sign-ins-failed': () => [
    'Somebody tries to sign in to your account',
    'Many sign-ins with your e-mail address and a wrong password failed. They were stopped, and your account is safe.',
    'You can still sign in from where you usually do. If you cannot, reset your password.',
  ],
  'identity-linked': (_, issuer) => [
    'A new way to sign in to your account',
    `A sign-in of ${issuer} was linked to your account. Whoever has it can sign in as you.`,
    `${ifStolen} That also removes every linked sign-in.`,
  ],
  'identity-unlinked': (_, issuer) => [
    'A way to sign in was removed from your account',
    `A sign-in of ${issuer} is no longer linked to your account.`,
    ifStolen,
  ],
  'account-suspended': () => [
    'Your account is suspended',
    'The shop has suspended your account: you are signed out and cannot sign in. Your orders go on.',
    'If you think that this is a mistake, contact us.',
  ],
  'account-erased': () => [
    'Your account is erased',
    'Your account and your personal data were erased, as you asked. Records of your orders stay without your name, because the law asks for them.',
    'This is the last mail to this address. If it was not you, contact us.',
  ],
  'account-reactivated': () => ['Your account is active again', 'You can sign in to your account again.'],
};
