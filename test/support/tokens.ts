import { createHmac, generateKeyPairSync, type JsonWebKey, type KeyObject, sign } from 'node:crypto';

export type SigningKey = { kid: string; alg: string; privateKey: KeyObject; jwk: JsonWebKey & { kid: string } };

export const testIssuer = 'https://login.example.com/shop';

/** A key pair for a test, with the public key as an issuer publishes it. */
export function makeSigningKey(kid: string, alg: 'RS256' | 'ES256' | 'EdDSA' = 'ES256'): SigningKey {
  const { privateKey, publicKey } =
    alg === 'RS256'
      ? generateKeyPairSync('rsa', { modulusLength: 2048 })
      : alg === 'ES256'
        ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
        : generateKeyPairSync('ed25519');
  return { kid, alg, privateKey, jwk: { ...publicKey.export({ format: 'jwk' }), kid, alg, use: 'sig' } };
}

/** Claims of a valid token. `undefined` leaves one out. */
export function claims(changes: Record<string, unknown> = {}): Record<string, unknown> {
  const now = Math.floor(Date.now() / 1000);
  return { iss: testIssuer, sub: 'user-1', aud: 'client-web', iat: now, exp: now + 300, ...changes };
}

/** A JWT (RFC 7515, compact) with these claims. `header` overrides the key's own header. */
export function makeToken(key: SigningKey, payload: object, header: Record<string, unknown> = {}): string {
  const input = `${encode({ alg: key.alg, kid: key.kid, typ: 'JWT', ...header })}.${encode(payload)}`;
  const signature = sign(key.alg === 'EdDSA' ? null : 'sha256', Buffer.from(input), {
    key: key.privateKey,
    dsaEncoding: 'ieee-p1363',
  });
  return `${input}.${signature.toString('base64url')}`;
}

/** A token that is signed by HMAC with the public key as the secret. */
export function makeHmacToken(key: SigningKey, secret: string | Buffer, payload: object): string {
  const input = `${encode({ alg: 'HS256', kid: key.kid, typ: 'JWT' })}.${encode(payload)}`;
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`;
}

export const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
