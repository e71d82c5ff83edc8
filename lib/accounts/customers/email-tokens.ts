import { createHash, randomBytes } from 'node:crypto';

/** A new token to be mailed: 256 random bits behind a prefix that shows what it is. Only its hash is stored. */
export function mintEmailToken(): { token: string; hash: string } {
  const token = `cfe_${randomBytes(32).toString('base64url')}`;
  return { token, hash: hashOf(token) };
}

/** The hash that a token was stored as. */
export const hashOf = (token: string): string => createHash('sha256').update(token).digest('base64url');

/** Seconds that a token of each purpose works for. */
export const tokenSeconds = { confirm: 24 * 3600, reset: 3600, change: 24 * 3600 } as const;
export type TokenPurpose = keyof typeof tokenSeconds;
