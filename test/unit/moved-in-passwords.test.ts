import { expect, test } from 'vitest';
import { isMovedIn, toMovedIn } from '../../lib/accounts/customers/moved-in-passwords.ts';
import { isOutdated, verifyPassword } from '../../lib/accounts/customers/passwords.ts';

const cheap = { ln: 4, r: 1, p: 1 };
/**
 * Of the password `test12345`: the vector of phpass itself, and what PHP's `password_hash`, WordPress 6.8, the package `scrypt-kdf`
 * (Medusa) and Python's `hashlib.scrypt` make.
 */
const hashes = [
  '$P$9IQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0',
  '$2y$04$abcdefghijklmnopqrstuuqOoDIQ.zzqErIuWhyjz/5qiBOvEh2Y.',
  '$wp$2y$04$abcdefghijklmnopqrstuuTwTMeo28sCVN8MoXZROC84gSmSIPc5C',
  'c2NyeXB0AAQAAAABAAAAATZNxTIYjbkEdltrUXxzhS53yDHQ2x3LGa8G1ZhXWIozieADoxSw3dkWn6vuBxJ9c976bnWlIxMpz/6MxxCvkPIzUNxzQu04K2eoGWImJmKI',
  '$old$scrypt$ln=4,r=1,p=1$c2l4dGVlbiBieXRlcyAuLg$gqyzLyGNaAGrcmgVHTPdn498iYD7xLl09J/Izp+P09g',
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
  const [tarsnap, phc] = hashes.slice(3) as [string, string];
  const greedy = [
    tarsnap.replace('AAQAAAAB', 'ABUAAAAB'),
    phc.replace('ln=4', 'ln=20'),
    phc.replace('ln=4,r=1', 'ln=16,r=9'),
  ];
  expect([...none, ...costly, ...greedy].filter(isMovedIn)).toEqual([]);
  // One of our own kind is marked, so that it is hashed anew.
  expect(toMovedIn(phc.replace('$old', ''))).toBe(phc);
  expect(toMovedIn(phc.slice(0, -30))).toBeUndefined();
});
