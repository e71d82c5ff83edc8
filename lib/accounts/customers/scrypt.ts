import { type ScryptOptions, scrypt } from 'node:crypto';
import { promisify } from 'node:util';
import { semaphore } from '../../kernel/semaphore.ts';

/** Cost parameters of scrypt (RFC 7914): N = `2^ln`, block size `r`, parallelization `p`. Takes `128 r 2^ln` bytes. */
export type PasswordCost = { ln: number; r: number; p: number };

const scryptAsync = promisify<string, Buffer, number, ScryptOptions, Buffer>(scrypt);

/**
 * Node.js hashes on its four pool threads, which also resolve DNS names. Many sign-ins at once must leave some free.
 */
const withPermit = semaphore(2);

/** So many bytes of scrypt of a password. */
export const deriveKey = (password: string, salt: Buffer, bytes: number, { ln, r, p }: PasswordCost): Promise<Buffer> =>
  withPermit(() =>
    scryptAsync(password, salt, bytes, {
      N: 2 ** ln,
      r,
      p,
      // OpenSSL counts p + 2^ln + 2 blocks of 128 r bytes.
      maxmem: 128 * r * (2 ** ln + p + 3),
    }),
  );
