import { expect, test } from 'vitest';
import { isMovedIn } from '../../lib/accounts/customers/moved-in-passwords.ts';
import { isOutdated, verifyPassword } from '../../lib/accounts/customers/passwords.ts';

const cheap = { ln: 4, r: 1, p: 1 };
/** Of the password `test12345`: the vector of phpass itself, and what PHP's `password_hash` and WordPress 6.8 make. */
const hashes = [
  '$P$9IQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0',
  '$2y$04$abcdefghijklmnopqrstuuqOoDIQ.zzqErIuWhyjz/5qiBOvEh2Y.',
  '$wp$2y$04$abcdefghijklmnopqrstuuTwTMeo28sCVN8MoXZROC84gSmSIPc5C',
];

test.each(hashes)('a password that was hashed as %s is verified, and hashed anew', async (stored) => {
  expect(await verifyPassword('test12345', stored, cheap)).toBe(true);
  for (const wrong of ['test12346', 'Test12345', '', 'test1234']) {
    expect(await verifyPassword(wrong, stored, cheap)).toBe(false);
  }
  expect(isOutdated(stored, cheap)).toBe(true);
});

test('a hash that is cut, of another kind, or so costly that it would stop a function is none', () => {
  const [phpass, bcrypt] = hashes as [string, string];
  const none = ['', phpass.slice(0, -1), `${phpass}A`, phpass.replace('$P$9', '$P$z'), bcrypt.slice(0, -1)];
  const costly = [bcrypt.replace('$04$', '$31$'), bcrypt.replace('$04$', '$00$'), '5f4dcc3b5aa765d61d8327deb882cf99'];
  expect([...none, ...costly].filter(isMovedIn)).toEqual([]);
});
