import { scryptSync } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import {
  CorruptPasswordHash,
  hashPassword,
  isOutdated,
  obscurePassword,
  passwordCost,
  unmatchableHash,
  verifyPassword,
} from '../../lib/accounts/customers/passwords.ts';

const cheap = { ln: 4, r: 8, p: 1 };

describe('a password hash', () => {
  test('matches its password and no other', async () => {
    const stored = await hashPassword('correct horse', cheap);
    expect(await verifyPassword('correct horse', stored)).toBe(true);
    for (const wrong of ['correct hors', 'Correct horse', 'correct horse ', '']) {
      expect(await verifyPassword(wrong, stored)).toBe(false);
    }
  });

  test('is a PHC string with salt and cost, and the result of scrypt for them', async () => {
    const stored = await hashPassword('correct horse', cheap);
    const [, salt, hash] = /^\$scrypt\$ln=4,r=8,p=1\$([A-Za-z0-9+/]{22})\$([A-Za-z0-9+/]{43})$/.exec(stored) ?? [];
    const expected = scryptSync('correct horse', Buffer.from(salt!, 'base64'), 32, { N: 16, r: 8, p: 1 });
    expect(Buffer.from(hash!, 'base64')).toEqual(expected);
  });

  test('has another salt each time', async () => {
    expect(await hashPassword('same', cheap)).not.toBe(await hashPassword('same', cheap));
  });

  test('matches its password in another Unicode form', async () => {
    const stored = await hashPassword('caf\u00e9 \ufb01n', cheap);
    expect(await verifyPassword('cafe\u0301 fin', stored)).toBe(true);
  });

  test('has the cost that OWASP recommends by default, within the memory it allows', async () => {
    expect(passwordCost).toEqual({ ln: 15, r: 8, p: 3 });
    const stored = await hashPassword('correct horse');
    expect(stored).toMatch(/^\$scrypt\$ln=15,r=8,p=3\$/);
    expect(await verifyPassword('correct horse', stored)).toBe(true);
    expect(await verifyPassword('x', await hashPassword('x', { ln: 17, r: 8, p: 1 }))).toBe(true);
  });

  test('is outdated when it was made at another cost, weaker or stronger', async () => {
    const stored = await hashPassword('correct horse', cheap);
    expect(isOutdated(stored, cheap)).toBe(false);
    for (const other of [
      { ...cheap, ln: 5 },
      { ...cheap, r: 4 },
      { ...cheap, p: 2 },
    ]) {
      expect(isOutdated(stored, other)).toBe(true);
    }
  });

  test('that is corrupt is an error, not a wrong password', async () => {
    const good = await hashPassword('x', cheap);
    const corrupt = [
      '',
      'plain text',
      good.slice(0, -1),
      `${good}A`,
      good.replace('scrypt', 'bcrypt'),
      good.replace('ln=4', 'ln=21'),
      good.replace('ln=4', 'ln=0'),
      good.replace('r=8', 'r=-8'),
    ];
    for (const stored of corrupt) {
      await expect(verifyPassword('x', stored), stored).rejects.toThrow(CorruptPasswordHash);
      expect(() => isOutdated(stored)).toThrow(CorruptPasswordHash);
    }
    await expect(verifyPassword('x', corrupt[2]!)).rejects.not.toThrow(good.slice(-20, -1));
  });
});

test('the unmatchable hash has the form and cost of a real one and matches nothing', async () => {
  const stored = unmatchableHash(cheap);
  expect(isOutdated(stored, cheap)).toBe(false);
  expect(await verifyPassword('', stored)).toBe(false);
});

test('an obscured password is equal only for the same salt', async () => {
  const first = await obscurePassword('correct horse', 'ada\nkey', cheap);
  expect(await obscurePassword('correct horse', 'ada\nkey', cheap)).toBe(first);
  expect(await obscurePassword('correct horse', 'bob\nkey', cheap)).not.toBe(first);
  expect(await obscurePassword('correct hors', 'ada\nkey', cheap)).not.toBe(first);
  expect(first).not.toContain('correct');
});

test('many hashes at once leave threads for other work', async () => {
  const hashes = Array.from({ length: 8 }, () => hashPassword('correct horse', { ln: 14, r: 8, p: 3 }));
  const firsts = [...hashes.map((hash) => hash.then(() => 'a hash')), stat('.').then(() => 'a file')];
  expect(await Promise.race(firsts)).toBe('a file');
  await Promise.all(hashes);
});
