import { randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { semaphore } from '../../kernel/semaphore.ts';

/** Cost of one scrypt (RFC 7914): `2^ln` rounds of blocks of `128 r` bytes, `p` times. Takes `128 r 2^ln` bytes. */
export type PasswordCost = { ln: number; r: number; p: number };

/**
 * What passwords are hashed with: N = 2^15, r = 8, p = 3, one of the equivalent scrypt settings of the OWASP Password
 * Storage Cheat Sheet. It needs 32 MiB, where the usual N = 2^17, p = 1 would need 128.
 */
export const passwordCost: PasswordCost = { ln: 15, r: 8, p: 3 };

/** A stored password hash is not one that this code wrote. */
export class CorruptPasswordHash extends Error {
  override readonly name = 'CorruptPasswordHash';
  constructor() {
    super('a stored password hash is not of the form $scrypt$ln=,r=,p=$salt$hash');
  }
}

/** The hash to store for a password, with salt and cost in it: a PHC string `$scrypt$ln=15,r=8,p=3$salt$hash`. */
export async function hashPassword(password: string, cost: PasswordCost = passwordCost): Promise<string> {
  const salt = randomBytes(saltBytes);
  return format(cost, salt, await derive(password, salt, cost));
}

/**
 * Whether the password is the one that was hashed.
 * @throws CorruptPasswordHash
 */
export async function verifyPassword(password: string, stored: string): Promise<boolean> {
  const { cost, salt, hash } = parse(stored);
  return timingSafeEqual(await derive(password, salt, cost), hash);
}

/**
 * Whether a stored hash was made at another cost than today's.
 * @throws CorruptPasswordHash
 */
export function isOutdated(stored: string, today: PasswordCost = passwordCost): boolean {
  const { cost } = parse(stored);
  return cost.ln !== today.ln || cost.r !== today.r || cost.p !== today.p;
}

/** A hash that no password has: trying one against it takes as long as against a customer's. */
export const unmatchableHash = (cost: PasswordCost = passwordCost): string =>
  format(cost, randomBytes(saltBytes), randomBytes(hashBytes));

/**
 * A one-way text of a password under a salt that the caller can make again, as costly to guess by as a stored hash.
 */
export const obscurePassword = async (
  password: string,
  salt: string,
  cost: PasswordCost = passwordCost,
): Promise<string> => (await derive(password, Buffer.from(salt), cost)).toString('base64url');

const saltBytes = 16;
const hashBytes = 32;

const scryptAsync = promisify<string, Buffer, number, ScryptOptions, Buffer>(scrypt);

/** Node hashes on the four threads that look up names too: a rush of sign-ins must leave some to everybody else. */
const turn = semaphore(2);

/** The same password typed on another device may come in another Unicode form: NFKC, as NIST SP 800-63B says. */
const derive = (password: string, salt: Buffer, { ln, r, p }: PasswordCost): Promise<Buffer> =>
  turn(() =>
    scryptAsync(password.normalize('NFKC'), salt, hashBytes, {
      N: 2 ** ln,
      r,
      p,
      // What OpenSSL counts: p blocks and 2^ln + 2 more, of 128 r bytes each.
      maxmem: 128 * r * (2 ** ln + p + 3),
    }),
  );

const format = ({ ln, r, p }: PasswordCost, salt: Buffer, hash: Buffer): string =>
  `$scrypt$ln=${ln},r=${r},p=${p}$${unpadded(salt)}$${unpadded(hash)}`;

function parse(stored: string): { cost: PasswordCost; salt: Buffer; hash: Buffer } {
  const [, ln, r, p, salt = '', hash = ''] =
    /^\$scrypt\$ln=([1-9]\d?),r=([1-9]\d?),p=([1-9]\d?)\$([A-Za-z0-9+/]{22})\$([A-Za-z0-9+/]{43})$/.exec(stored) ?? [];
  const cost = { ln: Number(ln), r: Number(r), p: Number(p) };
  // Beyond 2^20 a stored text would ask for a gigabyte.
  if (hash === '' || cost.ln > 20) throw new CorruptPasswordHash();
  return { cost, salt: Buffer.from(salt, 'base64'), hash: Buffer.from(hash, 'base64') };
}

/** Base64 of the PHC string format: without padding. */
const unpadded = (bytes: Buffer): string => bytes.toString('base64').replaceAll('=', '');
