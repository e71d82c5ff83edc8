import { randomBytes, timingSafeEqual } from 'node:crypto';
import { isMovedIn, verifyMovedIn } from './moved-in-passwords.ts';
import { deriveKey, type PasswordCost } from './scrypt.ts';

export type { PasswordCost } from './scrypt.ts';

/**
 * The cost of new hashes: N = 2^15, r = 8, p = 3, one of the equivalent settings in the OWASP Password Storage Cheat
 * Sheet. It needs 32 MiB; the more common N = 2^17, p = 1 needs 128 MiB.
 */
export const passwordCost: PasswordCost = { ln: 15, r: 8, p: 3 };

/** A stored password hash was not written by this code. */
export class CorruptPasswordHash extends Error {
  override readonly name = 'CorruptPasswordHash';
  constructor() {
    super('a stored password hash is neither of the form $scrypt$ln=,r=,p=$salt$hash nor one of a previous shop');
  }
}

/** Hashes a password for storing, as a PHC string that includes cost and salt: `$scrypt$ln=15,r=8,p=3$salt$hash`. */
export async function hashPassword(password: string, cost: PasswordCost = passwordCost): Promise<string> {
  const salt = randomBytes(saltBytes);
  return format(cost, salt, await derive(password, salt, cost));
}

/**
 * Whether a stored hash is that of the password. A hash of a previous shop that does not match takes as long as one of ours.
 * @param current the cost of new hashes
 * @throws CorruptPasswordHash
 */
export async function verifyPassword(
  password: string,
  stored: string,
  current: PasswordCost = passwordCost,
): Promise<boolean> {
  if (isMovedIn(stored)) {
    const matches = await verifyMovedIn(password, stored);
    // One that matches is hashed anew, which takes the same time.
    if (!matches) await derive(password, randomBytes(saltBytes), current);
    return matches;
  }
  const { cost, salt, hash } = parse(stored);
  return timingSafeEqual(await derive(password, salt, cost), hash);
}

/**
 * Whether a stored hash has another cost than `current`, or is of a previous shop.
 * @throws CorruptPasswordHash
 */
export function isOutdated(stored: string, current: PasswordCost = passwordCost): boolean {
  if (isMovedIn(stored)) return true;
  const { cost } = parse(stored);
  return cost.ln !== current.ln || cost.r !== current.r || cost.p !== current.p;
}

/** A hash that matches no password. Verifying against it takes as long as against a real one. */
export const unmatchableHash = (cost: PasswordCost = passwordCost): string =>
  format(cost, randomBytes(saltBytes), randomBytes(hashBytes));

/**
 * A one-way hash of a password with a salt that the caller chooses, so that it can be computed again. Guessing the
 * password from it costs as much as from a stored hash.
 */
export const obscurePassword = async (
  password: string,
  salt: string,
  cost: PasswordCost = passwordCost,
): Promise<string> => (await derive(password, Buffer.from(salt), cost)).toString('base64url');

const saltBytes = 16;
const hashBytes = 32;

/** Devices encode the same password in different Unicode forms, so it is normalized to NFKC (NIST SP 800-63B). */
const derive = (password: string, salt: Buffer, cost: PasswordCost): Promise<Buffer> =>
  deriveKey(password.normalize('NFKC'), salt, hashBytes, cost);

const format = ({ ln, r, p }: PasswordCost, salt: Buffer, hash: Buffer): string =>
  `$scrypt$ln=${ln},r=${r},p=${p}$${unpadded(salt)}$${unpadded(hash)}`;

function parse(stored: string): { cost: PasswordCost; salt: Buffer; hash: Buffer } {
  const [, ln, r, p, salt = '', hash = ''] =
    /^\$scrypt\$ln=([1-9]\d?),r=([1-9]\d?),p=([1-9]\d?)\$([A-Za-z0-9+/]{22})\$([A-Za-z0-9+/]{43})$/.exec(stored) ?? [];
  const cost = { ln: Number(ln), r: Number(r), p: Number(p) };
  // A corrupt hash must not make scrypt allocate gigabytes.
  if (hash === '' || cost.ln > 20) throw new CorruptPasswordHash();
  return { cost, salt: Buffer.from(salt, 'base64'), hash: Buffer.from(hash, 'base64') };
}

/** Base64 without padding, as in PHC strings. */
const unpadded = (bytes: Buffer): string => bytes.toString('base64').replaceAll('=', '');
