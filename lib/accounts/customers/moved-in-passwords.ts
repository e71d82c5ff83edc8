import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { compare } from 'bcryptjs';
import { deriveKey, type PasswordCost } from './scrypt.ts';

/*
 * Hashes that other shops made: of phpass (WordPress before 6.8, phpBB), of bcrypt, plain or as WordPress 6.8 makes them, and of
 * scrypt, as a PHC string or in the format of Tarsnap's scrypt (Medusa). They are verified until their customer signs in; the shop
 * stores none of its own making.
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
  const scrypt = scryptIn(stored);
  if (scrypt !== undefined) return isBearable(scrypt.cost);
  const cost = Number(bcrypt.exec(stored)?.[3]);
  return cost >= 4 && cost <= mostRounds.bcrypt;
}

/** Whether a hash of another shop is that of the password. The hash must be one for which `isMovedIn` is true. */
export async function verifyMovedIn(password: string, stored: string): Promise<boolean> {
  const scrypt = scryptIn(stored);
  if (scrypt !== undefined) return scrypt.matches(password);
  const [, wordpress, hash] = bcrypt.exec(stored) ?? [];
  if (hash === undefined) return timingSafeEqual(Buffer.from(hashPhpass(password, stored)), Buffer.from(stored));
  // bcrypt reads 72 bytes at most, so WordPress hashes the password before.
  const key =
    wordpress === undefined ? password : createHmac('sha384', 'wp-sha384').update(password.trim()).digest('base64');
  return compare(key, hash.replace(/^\$2[axy]/, '$2b'));
}

/**
 * A hash of another shop as it is stored. A PHC string of scrypt gets a mark before it, because the shop's own hashes look like it.
 * @returns undefined when it is of no kind, or of no cost, that `verifyMovedIn` takes
 */
export function toMovedIn(hash: string): string | undefined {
  const stored = hash.startsWith('$scrypt$') ? `$old${hash}` : hash;
  return isMovedIn(stored) ? stored : undefined;
}

type Scrypt = { cost: PasswordCost; matches: (password: string) => Promise<boolean> };

function scryptIn(stored: string): Scrypt | undefined {
  const [, ln, r, p, salt = '', hash = ''] =
    /^\$old\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]{8,86})\$([A-Za-z0-9+/]{22,86})$/.exec(
      stored,
    ) ?? [];
  if (hash !== '') {
    const cost = { ln: Number(ln), r: Number(r), p: Number(p) };
    const [saltBytes, wanted] = [Buffer.from(salt, 'base64'), Buffer.from(hash, 'base64')];
    const matches = async (password: string) =>
      timingSafeEqual(await deriveKey(password, saltBytes, wanted.length, cost), wanted);
    return { cost, matches };
  }
  return /^c2NyeXB0[A-Za-z0-9+/]{120}$/.test(stored) ? tarsnap(Buffer.from(stored, 'base64')) : undefined;
}

/** `scrypt`, version, ln, r, p, 32 bytes of salt, a checksum, and an HMAC of all before it by the second half of the key. */
function tarsnap(bytes: Buffer): Scrypt {
  const cost = { ln: bytes.readUInt8(7), r: bytes.readUInt32BE(8), p: bytes.readUInt32BE(12) };
  const matches = async (password: string) => {
    const key = await deriveKey(password, bytes.subarray(16, 48), 64, cost);
    const mac = createHmac('sha256', key.subarray(32)).update(bytes.subarray(0, 64)).digest();
    return timingSafeEqual(mac, bytes.subarray(64));
  };
  return { cost, matches };
}

/** What OpenSSL takes, within 64 MiB and the time of four of our own hashes. */
const isBearable = ({ ln, r, p }: PasswordCost): boolean =>
  ln >= 1 && r >= 1 && p >= 1 && ln <= 20 && 128 * r * 2 ** ln <= 64 * 2 ** 20 && r * p * 2 ** ln <= 3 * 2 ** 20;

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
