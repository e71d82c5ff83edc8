import { createHash, hkdfSync, randomBytes, timingSafeEqual } from 'node:crypto';

const idBytes = 16;
const secretBytes = 32;

/**
 * Kinds of bearer token. The prefix tells them apart, also for secret scanners; `idPrefix` is that of the ids that
 * tokens of the kind contain.
 */
export const bearerKinds = {
  session: { prefix: 'cfs_', idPrefix: 'cus_' },
  appKey: { prefix: 'cfk_', idPrefix: 'key_' },
  order: { prefix: 'cfo_', idPrefix: 'ord_' },
} as const;
export type BearerKind = keyof typeof bearerKinds;

/**
 * A new bearer token for an id: the kind's prefix, then base64url of the id's 16 bytes and 32 random bytes. So a token
 * locates its own record. Store only `hash`, the SHA-256 of the random bytes in base64url.
 */
export function mintBearer(
  kind: BearerKind,
  id: string,
  secret: Buffer = randomBytes(secretBytes),
): { bearer: string; hash: string } {
  const { prefix, idPrefix } = bearerKinds[kind];
  const idPart = Buffer.from(id.slice(idPrefix.length), 'hex');
  return { bearer: prefix + Buffer.concat([idPart, secret]).toString('base64url'), hash: hashOf(secret) };
}

/**
 * 32 bytes that only whoever has the parts can make again (HKDF of RFC 5869 with SHA-256). At least one part, or the
 * salt, must be a secret of 256 bits.
 */
export const deriveSecret = (parts: readonly string[], salt: Buffer): Buffer =>
  Buffer.from(hkdfSync('sha256', JSON.stringify(parts), salt, 'counterfoil derived secret', secretBytes));

/** The id in a bearer token and the hash of its random bytes; undefined when it does not have the form of its kind. */
export function parseBearer(kind: BearerKind, bearer: string): { id: string; hash: string } | undefined {
  const { prefix, idPrefix } = bearerKinds[kind];
  if (!bearer.startsWith(prefix) || !/^[A-Za-z0-9_-]{64}$/.test(bearer.slice(prefix.length))) return undefined;
  const bytes = Buffer.from(bearer.slice(prefix.length), 'base64url');
  return { id: idPrefix + bytes.toString('hex', 0, idBytes), hash: hashOf(bytes.subarray(idBytes)) };
}

/** Whether two hashes are equal, in constant time. */
export const sameHash = (a: string, b: string): boolean =>
  a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));

const hashOf = (secret: Buffer): string => createHash('sha256').update(secret).digest('base64url');
