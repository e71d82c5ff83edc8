import { createPublicKey, type JsonWebKey } from 'node:crypto';

/** A public JWK (RFC 7517), with only the members that are needed to verify a signature. */
export type PublicKey = { kid: string; kty: string; alg?: string; use?: string } & Partial<
  Record<'n' | 'e' | 'crv' | 'x' | 'y', string>
>;
export type PublicKeys = { keys: PublicKey[] };

/** The signature algorithms (RFC 7518, RFC 8037) for each kind of key. All are asymmetric. */
const algorithms: Readonly<Record<string, readonly string[]>> = {
  RSA: ['RS256', 'RS384', 'RS512'],
  'EC P-256': ['ES256'],
  'EC P-384': ['ES384'],
  'EC P-521': ['ES512'],
  'OKP Ed25519': ['EdDSA'],
};

const minRsaBits = 2048;
/** More than any issuer needs. Bounds the work for one document. */
const maxKeys = 100;

/** Whether a key can be used with an algorithm. */
export const suitsAlgorithm = ({ kty, crv, alg }: PublicKey, wanted: string): boolean =>
  (alg === undefined || alg === wanted) && algorithmsOf(kty, crv).includes(wanted);

/**
 * The keys of a JWKS document that can verify signatures, without private members. Leaves out keys for other uses, keys
 * without an id, weak keys, and keys that cannot be parsed.
 */
export function publicKeysOf(document: unknown): PublicKeys {
  const found = isObject(document) && Array.isArray(document.keys) ? document.keys.slice(0, maxKeys) : [];
  return { keys: found.flatMap((jwk: unknown) => (isObject(jwk) ? (publicKeyOf(jwk) ?? []) : [])) };
}

function publicKeyOf(jwk: Record<string, unknown>): PublicKey | undefined {
  const members = Object.fromEntries(
    publicMembers.flatMap((name) => (typeof jwk[name] === 'string' ? [[name, jwk[name]]] : [])),
  );
  const { kid, kty, use, alg, crv } = members;
  if (kid === undefined || kty === undefined || (use !== undefined && use !== 'sig')) return undefined;
  const possible = algorithmsOf(kty, crv);
  if (possible.length === 0 || (alg !== undefined && !possible.includes(alg))) return undefined;
  try {
    const key = createPublicKey({ key: members as JsonWebKey, format: 'jwk' });
    if ((key.asymmetricKeyDetails?.modulusLength ?? minRsaBits) < minRsaBits) return undefined;
  } catch {
    return undefined;
  }
  return members as PublicKey;
}

const publicMembers = ['kid', 'kty', 'alg', 'use', 'n', 'e', 'crv', 'x', 'y'] as const;

const algorithmsOf = (kty: string, crv: string | undefined): readonly string[] =>
  algorithms[kty === 'RSA' ? kty : `${kty} ${crv}`] ?? [];

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
