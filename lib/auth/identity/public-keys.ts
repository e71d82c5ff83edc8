import { createPublicKey, type JsonWebKey } from 'node:crypto';

/** The members of a JWK (RFC 7517) that a signature is verified with, and no others. */
export type PublicKey = { kid: string; kty: string; alg?: string; use?: string } & Partial<
  Record<'n' | 'e' | 'crv' | 'x' | 'y', string>
>;
export type PublicKeys = { keys: PublicKey[] };

/** Signature algorithms (RFC 7518, RFC 8037) by the kind of key that they need. All are asymmetric. */
const algorithms: Readonly<Record<string, readonly string[]>> = {
  RSA: ['RS256', 'RS384', 'RS512'],
  'EC P-256': ['ES256'],
  'EC P-384': ['ES384'],
  'EC P-521': ['ES512'],
  'OKP Ed25519': ['EdDSA'],
};

const weakestRsaBits = 2048;
/** More than an issuer needs; each is looked at for each document. */
const mostKeys = 100;

/** Whether a key can have signed with an algorithm. */
export const fitsAlgorithm = ({ kty, crv, alg }: PublicKey, wanted: string): boolean =>
  (alg === undefined || alg === wanted) && algorithmsOf(kty, crv).includes(wanted);

/**
 * What a JWKS document holds for verifying signatures: private members are left out, as is every key that is for
 * something else, has no id, is weak, or cannot be read.
 */
export function publicKeysOf(document: unknown): PublicKeys {
  const found = isObject(document) && Array.isArray(document.keys) ? document.keys.slice(0, mostKeys) : [];
  return { keys: found.flatMap((jwk: unknown) => (isObject(jwk) ? (publicKeyOf(jwk) ?? []) : [])) };
}

function publicKeyOf(jwk: Record<string, unknown>): PublicKey | undefined {
  const members = Object.fromEntries(
    shown.flatMap((name) => (typeof jwk[name] === 'string' ? [[name, jwk[name]]] : [])),
  );
  const { kid, kty, use, alg, crv } = members;
  if (kid === undefined || kty === undefined || (use !== undefined && use !== 'sig')) return undefined;
  const possible = algorithmsOf(kty, crv);
  if (possible.length === 0 || (alg !== undefined && !possible.includes(alg))) return undefined;
  try {
    const key = createPublicKey({ key: members as JsonWebKey, format: 'jwk' });
    if ((key.asymmetricKeyDetails?.modulusLength ?? weakestRsaBits) < weakestRsaBits) return undefined;
  } catch {
    return undefined;
  }
  return members as PublicKey;
}

const shown = ['kid', 'kty', 'alg', 'use', 'n', 'e', 'crv', 'x', 'y'] as const;

const algorithmsOf = (kty: string, crv: string | undefined): readonly string[] =>
  algorithms[kty === 'RSA' ? kty : `${kty} ${crv}`] ?? [];

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
