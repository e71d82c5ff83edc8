import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { demoClients } from '../../infra/local/identity/provider.ts';
import { type Identity, startIdentity } from '../../infra/local/identity/start.ts';
import { fetchIssuerKeys } from '../../lib/auth/identity/issuer-documents.gateway.ts';
import { createTokenVerifier } from '../../lib/auth/identity/verify.ts';
import { stopwatch } from '../../lib/kernel/clock.ts';
import { authorize, exchange, logIn } from '../support/login.ts';

let directory = '';
let identity: Identity;

const start = (port: number) =>
  startIdentity({
    port,
    keyFile: join(directory, 'key.json'),
    api: async () => ({ baseUrl: 'http://localhost:1', headers: { 'client-id': 'app_1' } }),
  });

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'counterfoil-identity-'));
  identity = await start(0);
});
afterAll(async () => {
  await identity.stop();
  await rm(directory, { recursive: true });
});

const web = () => ({ clientId: demoClients.web, redirectUri: `${identity.issuer}/demo`, email: 'Ada@example.com' });
const verify = (token: string) =>
  createTokenVerifier({
    issuer: identity.issuer,
    readKeys: () => fetchIssuerKeys(identity.issuer),
    findApplication: async (clientId) => ({ id: clientId }),
    graceSeconds: 0,
    stopwatch,
  }).verify(token);

describe('the local OpenID provider', () => {
  test('issues an id token to a web page for a code and the secret of its login', async () => {
    const { id_token } = await logIn(identity.issuer, web());
    expect(await verify(id_token)).toEqual({
      issuer: identity.issuer,
      subject: expect.stringMatching(/^local-[0-9a-f]{32}$/),
      clientId: demoClients.web,
      applicationId: demoClients.web,
      use: 'id',
      issuedAt: expect.any(Number),
      authenticatedAt: expect.any(Number),
      claims: { email: 'ada@example.com', emailVerified: true, name: 'Ada Lovelace', nonce: 'nonce-1' },
    });
    const { nonce } = JSON.parse(Buffer.from(id_token.split('.')[1]!, 'base64url').toString());
    expect(nonce).toBe('nonce-1');
  });

  test('accepts a mobile app on any port, and recognizes a returning person', async () => {
    const mobile = { ...web(), clientId: demoClients.mobile, redirectUri: 'http://127.0.0.1:4711/callback' };
    const [first, again, other] = await Promise.all([
      logIn(identity.issuer, mobile),
      logIn(identity.issuer, web()),
      logIn(identity.issuer, { ...mobile, email: 'grace@example.com', verified: false }),
    ]);
    const told = await Promise.all([first, again, other].map(({ id_token }) => verify(id_token)));
    expect(told[0]?.subject).toBe(told[1]?.subject);
    expect(told[2]?.subject).not.toBe(told[0]?.subject);
    expect(told[2]?.claims).toMatchObject({ email: 'grace@example.com', emailVerified: false });
  });

  test('issues nothing without PKCE, for another secret, or for a used code', async () => {
    expect(await authorize(identity.issuer, web(), {})).toMatchObject({ error: 'invalid_request' });
    const challenge = { code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM', code_challenge_method: 'S256' };
    const { code } = await authorize(identity.issuer, web(), challenge);
    const form = {
      grant_type: 'authorization_code',
      client_id: demoClients.web,
      redirect_uri: web().redirectUri,
      code: code!,
    };
    expect((await exchange(identity.issuer, form)).status).toBe(400);
    expect((await exchange(identity.issuer, { ...form, code_verifier: 'x'.repeat(43) })).status).toBe(400);
    const secret = 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk';
    const second = await authorize(identity.issuer, web(), challenge);
    const good = { ...form, code: second.code!, code_verifier: secret };
    expect((await exchange(identity.issuer, good)).status).toBe(200);
    expect((await exchange(identity.issuer, good)).status).toBe(400);
  });

  test('does not redirect to an address that is not registered', async () => {
    const query = new URLSearchParams({
      client_id: demoClients.web,
      redirect_uri: 'https://evil.example/',
      response_type: 'code',
    });
    const response = await fetch(`${identity.issuer}/auth?${query}`, { redirect: 'manual' });
    expect(response.status).toBe(400);
    expect(await response.text()).toContain('redirect_uri');
  });

  test('escapes what the person entered', async () => {
    const hint = '"><script>alert(1)</script>';
    const query = new URLSearchParams({
      client_id: demoClients.web,
      redirect_uri: web().redirectUri,
      response_type: 'code',
      scope: 'openid',
      login_hint: hint,
      code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
      code_challenge_method: 'S256',
    });
    const sent = await fetch(`${identity.issuer}/auth?${query}`, { redirect: 'manual' });
    const cookie = sent.headers
      .getSetCookie()
      .map((line) => line.split(';', 1)[0])
      .join('; ');
    const address = new URL(sent.headers.get('location')!, identity.issuer);
    const page = await (await fetch(address, { headers: { cookie } })).text();
    expect(page).toContain('value="&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;"');
    expect(page).not.toContain('<script');
    const form = new URLSearchParams({ email: 'nobody', name: hint });
    const again = await fetch(address, { method: 'POST', headers: { cookie }, body: form });
    expect(again.status).toBe(400);
    expect(await again.text()).toContain('Enter an e-mail address.');
  });

  test('signs with the same key after a restart', async () => {
    const { id_token } = await logIn(identity.issuer, web());
    await identity.stop();
    identity = await start(Number(new URL(identity.issuer).port));
    expect(await verify(id_token)).toBeDefined();
  });

  test('has a page that shows the flow and knows the address of the API', async () => {
    const page = await fetch(`${identity.issuer}/demo`);
    expect(page.headers.get('content-security-policy')).toContain("connect-src 'self' http://localhost:1");
    expect(await page.text()).toContain('<script type="module" src="/demo.js">');
    expect((await fetch(`${identity.issuer}/demo.js`)).headers.get('content-type')).toBe(
      'text/javascript; charset=utf-8',
    );
    expect(await (await fetch(`${identity.issuer}/demo.json`)).json()).toEqual({
      apiUrl: 'http://localhost:1',
      clientId: demoClients.web,
      headers: { 'client-id': 'app_1' },
    });
  });
});
