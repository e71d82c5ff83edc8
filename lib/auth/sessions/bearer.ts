import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

const idBytes = 16;
const secretBytes = 32;

/** Kinds of bearer credential, with the prefix that shows them (to secret scanners too) and the kind of id inside. */
export const bearerKinds = {
  session: { prefix: 'cfs_', idPrefix: 'cus_' },
  appKey: { prefix: 'cfk_', idPrefix: 'key_' },
} as const;
export type BearerKind = keyof typeof bearerKinds;

/**
 * A new credential of `id`: the kind's prefix and base64url of the id's 16 bytes and 32 random ones. It says itself
 * where its record lies; only `hash`, the SHA-256 of the random part, is ever stored.
 */
export function mintBearer(kind: BearerKind, id: string): { bearer: string; hash: string } {
  const { prefix, idPrefix } = bearerKinds[kind];
  const secret = randomBytes(secretBytes);
  const idPart = Buffer.from(id.slice(idPrefix.length), 'hex');
  return { bearer: prefix + Buffer.concat([idPart, secret]).toString('base64url'), hash: hashOf(secret) };
}

/** The id and hash that a credential stands for; undefined when it has not the form of its kind. */
export function readBearer(kind: BearerKind, bearer: string): { id: string; hash: string } | undefined {
  const { prefix, idPrefix } = bearerKinds[kind];
  if (!bearer.startsWith(prefix) || !/^[A-Za-z0-9_-]{64}$/.test(bearer.slice(prefix.length))) return undefined;
  const bytes = Buffer.from(bearer.slice(prefix.length), 'base64url');
  return { id: idPrefix + bytes.toString('hex', 0, idBytes), hash: hashOf(bytes.subarray(idBytes)) };
}

/** Whether two hashes are the same, in a time that does not tell how much of them is. */
export const sameHash = (a: string, b: string): boolean =>
  a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));

const hashOf = (secret: Buffer): string => createHash('sha256').update(secret).digest('base64url');
