import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { compare } from 'bcryptjs';

/*
 * Hashes that other shops made: of phpass (WordPress before 6.8, phpBB) and of bcrypt, plain or as WordPress 6.8 makes them. They
 * are verified until their customer signs in; the shop stores none of its own making.
 */

const alphabet = './0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const phpass = /^\$[PH]\$([./0-9A-Za-z])([./0-9A-Za-z]{8})[./0-9A-Za-z]{22}$/;
const bcrypt = /^(\$wp)?(\$2[abxy]\$(\d\d)\$[./0-9A-Za-z]{53})$/;
/** Larger costs of imported hashes would let a sign-in take seconds of processor time. */
const mostRounds = { phpass: 16, bcrypt: 13 };

/** Whether a hash is of a kind, and of a cost, that `verifyMovedIn` takes. */
export function isMovedIn(stored: string): boolean {
  const [, rounds] = phpass.exec(stored) ?? [];
  if (rounds !== undefined) {
    const log2 = alphabet.indexOf(rounds);
    return log2 >= 7 && log2 <= mostRounds.phpass;
  }
  const cost = Number(bcrypt.exec(stored)?.[3]);
  return cost >= 4 && cost <= mostRounds.bcrypt;
}

/** Whether a hash of another shop is that of the password. The hash must be one for which `isMovedIn` is true. */
export async function verifyMovedIn(password: string, stored: string): Promise<boolean> {
  const [, wordpress, hash] = bcrypt.exec(stored) ?? [];
  if (hash === undefined) return timingSafeEqual(Buffer.from(hashPhpass(password, stored)), Buffer.from(stored));
  // bcrypt reads 72 bytes at most, so WordPress hashes the password before.
  const key =
    wordpress === undefined ? password : createHmac('sha384', 'wp-sha384').update(password.trim()).digest('base64');
  return compare(key, hash.replace(/^\$2[axy]/, '$2b'));
}

/** A hash of phpass, whose first twelve characters say the rounds and the salt. */
export function hashPhpass(password: string, stored: string): string {
  const [, rounds = '', salt = ''] = phpass.exec(stored) ?? [];
  const md5 = (...parts: (string | Buffer)[]) => {
    const hash = createHash('md5');
    for (const part of parts) hash.update(part);
    return hash.digest();
  };
  // WordPress leaves out blanks around a password, where it is set and where it is asked for.
  const bytes = Buffer.from(password.trim());
  let digest = md5(salt, bytes);
  for (let left = 2 ** alphabet.indexOf(rounds); left > 0; left--) digest = md5(digest, bytes);
  return stored.slice(0, 12) + encode(digest);
}

/** Base64 with the low bits first, in the alphabet of crypt. */
function encode(bytes: Buffer): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 3) {
    const group = [...bytes.subarray(at, at + 3)];
    const bits = group.reduce((sum, byte, index) => sum | (byte << (8 * index)), 0);
    for (let index = 0; index <= group.length; index++) text += alphabet[(bits >> (6 * index)) & 63];
  }
  return text;
}
