/** What is mailed to customers. `nobody` is to none: it is written down where a mail would be, and never sent. */
export const mailKinds = [
  'confirm',
  'sign-up-again',
  'reset',
  'nobody',
  'change',
  'change-taken',
  'change-asked',
  'email-changed',
  'password-changed',
] as const;
export type MailKind = (typeof mailKinds)[number];

/** Kinds whose mail holds a token. */
export type TokenKind = 'confirm' | 'reset' | 'change';

/** The words of a mail. A token is shown by itself, and as a link when there are pages to follow it to. */
export function mailOf(
  kind: MailKind,
  { token = '', pagesUrl }: { token?: string | undefined; pagesUrl?: string | undefined } = {},
): { subject: string; text: string } {
  // After the #, so that no server and no referrer sees it.
  const way = (page: string) =>
    pagesUrl === undefined
      ? `Use this code:\n\n${token}`
      : `Follow this link:\n\n${pagesUrl.replace(/\/+$/, '')}/${page}#token=${token}`;
  const lines = words[kind](way);
  return { subject: lines[0]!, text: `${lines.slice(1).join('\n\n')}\n` };
}

const ignore = 'If it was not you, you need not do anything: nothing changes without it. Do not pass this mail on.';
const lost = 'If it was not you, reset your password at once.';

const words: Readonly<Record<MailKind, (way: (page: string) => string) => string[]>> = {
  confirm: (way) => [
    'Confirm your e-mail',
    'Somebody, we hope you, has signed up with this e-mail.',
    `${way('confirm-email')}`,
    `It works once, within a day. ${ignore}`,
  ],
  'sign-up-again': () => [
    'You have an account already',
    'Somebody, perhaps you, tried to sign up with this e-mail, which has an account already. Nothing has changed.',
    'Sign in as usual, or reset your password if you have forgotten it.',
  ],
  reset: (way) => [
    'Reset your password',
    'Somebody, we hope you, wants to choose a new password for the account of this e-mail.',
    `${way('reset-password')}`,
    `It works once, within an hour. ${ignore}`,
  ],
  nobody: () => ['', ''],
  change: (way) => [
    'Confirm your new e-mail',
    'Somebody, we hope you, wants this e-mail to be that of their account.',
    `${way('change-email')}`,
    `It works once, within a day. ${ignore}`,
  ],
  'change-taken': () => [
    'You have an account already',
    'Somebody, perhaps you, wants this e-mail for another account. It has an account already, and nothing has changed.',
  ],
  'change-asked': () => [
    'Your e-mail is about to change',
    'Somebody, we hope you, wants another e-mail for your account, and gave your password. It changes when that is confirmed from there.',
    lost,
  ],
  'email-changed': () => [
    'Your e-mail has changed',
    'Your account has another e-mail from now on, and everybody was signed out. This is the last mail to this one.',
    'If it was not you, write to us.',
  ],
  'password-changed': () => ['Your password has changed', 'The password of your account was changed.', lost],
};
