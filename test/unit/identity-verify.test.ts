import { createPublicKey } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type PublicKeys, publicKeysOf } from '../../lib/auth/identity/public-keys.ts';
import { createTokenVerifier, type TokenVerifier } from '../../lib/auth/identity/verify.ts';
import { DependencyUnavailable } from '../../lib/kernel/errors.ts';
import { claims, encode, makeHmacToken, makeSigningKey, makeToken, testIssuer } from '../support/tokens.ts';

const first = makeSigningKey('first');
const rsa = makeSigningKey('rsa', 'RS256');
const ed = makeSigningKey('ed', 'EdDSA');
const later = makeSigningKey('later');
const stranger = makeSigningKey('first');

let published: PublicKeys | undefined;
let reads = 0;
let away = false;
let elapsed = 0;
let verifier: TokenVerifier;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'] });
  published = publicKeysOf({ keys: [first.jwk, rsa.jwk, ed.jwk] });
  reads = 0;
  away = false;
  elapsed = 0;
  verifier = createTokenVerifier({
    issuer: testIssuer,
    readKeys: async () => {
      reads++;
      await new Promise(setImmediate);
      if (away) throw new DependencyUnavailable('sessions');
      return published;
    },
    findApplication: async (clientId) => (clientId === 'client-web' ? { id: 'app_1' } : undefined),
    graceSeconds: 30,
    stopwatch: { elapsed: () => elapsed },
  });
});

afterEach(() => {
  vi.useRealTimers();
});

const now = () => Math.floor(Date.now() / 1000);
const verify = (changes: Record<string, unknown> = {}, key = first) => verifier.verify(makeToken(key, claims(changes)));

describe('a token is accepted', () => {
  test('with its claims', async () => {
    const told = { email: 'Ada@Example.com ', email_verified: true, name: 'Ada' };
    expect(await verify(told)).toEqual({
      issuer: testIssuer,
      subject: 'user-1',
      clientId: 'client-web',
      applicationId: 'app_1',
      use: 'id',
      issuedAt: expect.any(Number),
      authenticatedAt: expect.any(Number),
      claims: { email: 'ada@example.com', emailVerified: true, name: 'Ada' },
    });
  });

  test.each([first, rsa, ed])('signed by $alg', async (key) => {
    expect(await verify({}, key)).toBeDefined();
  });

  test('for several audiences, by its authorized party', async () => {
    expect(await verify({ aud: ['other', 'client-web'], azp: 'client-web' })).toMatchObject({ clientId: 'client-web' });
    expect(await verify({ aud: ['other', 'client-web'] })).toBeUndefined();
    expect(await verify({ aud: ['other', 'elsewhere'], azp: 'client-web' })).toBeUndefined();
  });

  test('as an access token of Cognito, by its client', async () => {
    const access = { aud: undefined, client_id: 'client-web', token_use: 'access' };
    expect(await verify(access)).toMatchObject({ use: 'access', clientId: 'client-web', claims: {} });
    expect(await verify({ ...access, token_use: undefined })).toBeUndefined();
    expect(await verify({ ...access, client_id: 'other', aud: 'client-web' })).toBeUndefined();
  });

  test('when an e-mail address is verified as a boolean or as a string', async () => {
    expect((await verify({ email: 'a@b.example' }))?.claims).toEqual({ email: 'a@b.example' });
    expect((await verify({ email: 'a@b.example', email_verified: 'true' }))?.claims.emailVerified).toBe(true);
    for (const email_verified of [false, 'false', 1, null]) {
      expect((await verify({ email: 'a@b.example', email_verified }))?.claims.emailVerified).toBe(false);
    }
  });
});

describe('a token is not accepted', () => {
  test.each<[string, () => Record<string, unknown>]>([
    ['expired', () => ({ exp: now() - 31 })],
    ['without an end', () => ({ exp: undefined })],
    ['with an end that is text', () => ({ exp: String(now() + 300) })],
    ['not yet valid', () => ({ nbf: now() + 35 })],
    ['of another issuer', () => ({ iss: 'https://login.example.com/other' })],
    ['of an issuer that differs by a slash', () => ({ iss: `${testIssuer}/` })],
    ['without an issuer', () => ({ iss: undefined })],
    ['for another audience', () => ({ aud: 'client-of-somebody-else' })],
    ['without an audience', () => ({ aud: undefined })],
    ['without a subject', () => ({ sub: undefined })],
    ['with an empty subject', () => ({ sub: '' })],
    ['for another use', () => ({ token_use: 'refresh' })],
  ])('%s', async (_, changes) => {
    expect(await verify()).toBeDefined();
    expect(await verify(changes())).toBeUndefined();
  });

  test('when a claim was changed', async () => {
    const [header, , signature] = makeToken(first, claims()).split('.');
    expect(await verifier.verify(`${header}.${encode(claims({ sub: 'somebody-else' }))}.${signature}`)).toBeUndefined();
  });

  test('when the signature was cut, moved or left out', async () => {
    const token = makeToken(first, claims());
    const [header, payload, signature] = token.split('.') as [string, string, string];
    const other = makeToken(first, claims({ sub: 'user-2' })).split('.')[2];
    for (const bad of ['', 'AAAA', signature.slice(0, -4), other]) {
      expect(await verifier.verify(`${header}.${payload}.${bad}`)).toBeUndefined();
    }
    expect(await verifier.verify(`${header}.${payload}`)).toBeUndefined();
  });

  test('when it is not signed', async () => {
    for (const alg of ['none', 'None', 'NONE', '']) {
      const unsigned = `${encode({ alg, kid: 'first' })}.${encode(claims())}.`;
      expect(await verifier.verify(unsigned)).toBeUndefined();
      expect(await verifier.verify(`${unsigned}AA`)).toBeUndefined();
    }
  });

  test('when it is signed by HMAC with the public key', async () => {
    const pem = createPublicKey({ key: rsa.jwk, format: 'jwk' }).export({ type: 'spki', format: 'pem' });
    for (const secret of [pem, JSON.stringify(rsa.jwk), rsa.jwk.n!]) {
      expect(await verifier.verify(makeHmacToken(rsa, secret, claims()))).toBeUndefined();
    }
  });

  test('when its algorithm is not one of the key', async () => {
    published = publicKeysOf({ keys: [rsa, first, ed].map(({ jwk: { alg: _, ...jwk } }) => jwk) });
    for (const key of [rsa, first, ed]) {
      expect(await verify({}, key)).toBeDefined();
      for (const alg of ['RS256', 'RS512', 'ES256', 'ES384', 'EdDSA', 'HS256'].filter((other) => other !== key.alg)) {
        expect(await verifier.verify(makeToken(key, claims(), { alg })), `${key.alg} as ${alg}`).toBeUndefined();
      }
    }
  });

  test('when another key signed it under the id of the issuer’s', async () => {
    expect(await verify({}, stranger)).toBeUndefined();
  });

  test('when it brings its own key', async () => {
    const token = makeToken(stranger, claims(), { jwk: stranger.jwk, jku: 'https://evil.example/jwks', x5u: 'x' });
    expect(await verifier.verify(token)).toBeUndefined();
  });

  test('when its header names no key, another kind, or an unknown critical extension', async () => {
    for (const header of [{ kid: undefined }, { typ: 'at+jwt' }, { typ: 'logout+jwt' }, { crit: ['exp'] }]) {
      expect(await verifier.verify(makeToken(first, claims(), header)), JSON.stringify(header)).toBeUndefined();
    }
  });

  test.each(['', '.', '..', 'a.b.c', `${encode([])}.${encode({})}.AA`, `${encode({ alg: 'ES256' })}.bm8.AA`, 'é.é.é'])(
    'when it is not a JWT: %j',
    async (text) => expect(await verifier.verify(text)).toBeUndefined(),
  );
});

test('clocks may differ by half a minute, and no more', async () => {
  vi.setSystemTime(now() * 1000);
  expect(await verify({ exp: now() - 30 })).toBeDefined();
  expect(await verify({ nbf: now() + 30 })).toBeDefined();
  expect(await verify({ exp: now() - 31 })).toBeUndefined();
  expect(await verify({ nbf: now() + 31 })).toBeUndefined();
});

describe('keys', () => {
  test('are read once every five minutes', async () => {
    for (let i = 0; i < 10; i++) expect(await verify()).toBeDefined();
    expect(reads).toBe(1);
    elapsed = 299_999;
    await verify();
    expect(reads).toBe(1);
    elapsed = 300_000;
    expect(await verify()).toBeDefined();
    expect(reads).toBe(2);
  });

  test('of a rotation are found at the first token that needs them', async () => {
    expect(await verify({}, later)).toBeUndefined();
    published = publicKeysOf({ keys: [first.jwk, later.jwk] });
    elapsed = 9_999;
    expect(await verify({}, later)).toBeUndefined();
    elapsed = 10_000;
    expect(await verify({}, later)).toBeDefined();
    expect(reads).toBe(2);
  });

  test('that were withdrawn are not accepted after five minutes', async () => {
    expect(await verify()).toBeDefined();
    published = publicKeysOf({ keys: [later.jwk] });
    elapsed = 300_000;
    expect(await verify()).toBeUndefined();
  });

  test('that changed under the same id replace the old ones', async () => {
    expect(await verify()).toBeDefined();
    published = publicKeysOf({ keys: [stranger.jwk] });
    elapsed = 300_000;
    await verify({}, later);
    expect(await verify()).toBeUndefined();
    expect(await verify({}, stranger)).toBeDefined();
  });

  test('are read once for a hundred concurrent tokens with unknown keys', async () => {
    const forged = () => verifier.verify(makeToken(makeSigningKey(`k${Math.random()}`), claims()));
    for (let burst = 0; burst < 3; burst++) {
      const answers = await Promise.all(Array.from({ length: 100 }, forged));
      expect(answers.every((answer) => answer === undefined)).toBe(true);
    }
    expect(reads).toBe(1);
    elapsed = 10_000;
    await Promise.all(Array.from({ length: 100 }, forged));
    expect(reads).toBe(2);
  });

  test('that cannot be read do not make the token invalid', async () => {
    away = true;
    await expect(verify()).rejects.toThrow(DependencyUnavailable);
    elapsed = 1000;
    away = false;
    expect(await verify()).toBeDefined();
  });

  test('that were never fetched do not make the token invalid', async () => {
    published = undefined;
    await expect(verify()).rejects.toThrow(DependencyUnavailable);
  });

  test('are used for an hour when they cannot be read again, with one try a second', async () => {
    expect(await verify()).toBeDefined();
    away = true;
    elapsed = 300_000;
    for (let i = 0; i < 20; i++) expect(await verify()).toBeDefined();
    expect(reads).toBe(2);
    await expect(verify({}, later)).rejects.toThrow(DependencyUnavailable);
    elapsed = 3_599_999;
    expect(await verify()).toBeDefined();
    elapsed = 3_600_000 + 1000;
    await expect(verify()).rejects.toThrow(DependencyUnavailable);
  });
});

describe('of a published document', () => {
  test('only what verifies a signature is kept, without private members', () => {
    const weak = { kty: 'RSA', kid: 'weak', n: Buffer.alloc(128, 0xff).toString('base64url'), e: 'AQAB' };
    const secret = { kty: 'oct', kid: 'hmac', k: 'c2VjcmV0' };
    const document = {
      keys: [
        { ...first.jwk, ...first.privateKey.export({ format: 'jwk' }), x5c: ['AAAA'] },
        { ...rsa.jwk, use: 'enc' },
        { ...ed.jwk, alg: 'RS256' },
        { ...later.jwk, kid: undefined },
        { kty: 'EC', crv: 'P-256', kid: 'broken', x: 'AA', y: 'AA' },
        weak,
        secret,
        null,
        'text',
      ],
    };
    expect(publicKeysOf(document)).toEqual({ keys: [first.jwk] });
  });

  test.each([null, [], 'text', {}, { keys: {} }])('%j there is nothing', (document) => {
    expect(publicKeysOf(document)).toEqual({ keys: [] });
  });
});
