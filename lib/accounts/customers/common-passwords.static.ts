import passwords from '@zxcvbn-ts/language-common/src/passwords.json' with { type: 'json' };

/** About 80 KB in the bundle of a function that checks new passwords. */
const most = 9_000;

/** The most common passwords of at least eight characters, in lower case, a line each. */
export const commonPasswords = (passwords as string[])
  .filter((password) => password.length >= 8)
  .slice(0, most)
  .join('\n');
