import { describe, inject, test } from 'vitest';
import { demoClients } from '../../infra/local/identity/provider.ts';
import { logIn } from '../support/login.ts';
import { call, succeed } from './client.ts';

const { identity } = inject('target');
const issuer = identity?.issuer ?? '';
const own = issuer.startsWith('http://localhost:');

describe.runIf(own)('a customer who signs in at the identity provider', () => {
  const web = { 'client-id': identity?.clientId ?? '' };
  const logInAs = async (email: string, options: { verified?: boolean; name?: string } = {}) => {
    const at = { clientId: demoClients.web, redirectUri: `${issuer}/demo`, email, ...options };
    return (await logIn(issuer, at)).id_token;
  };
  const somebody = () => `someone-${crypto.randomUUID()}@example.com`;

  test('gets a session for the id token, which is the same customer’s each time', async ({ expect }) => {
    const email = somebody();
    const idToken = await logInAs(email, { name: 'Grace Hopper' });
    const first = await succeed('sign-in', 201, { headers: web, body: { idToken } });
    const me = await succeed('get-me', 200, { token: first.body.token });
    expect(me.body).toMatchObject({ id: first.body.customerId, email, name: 'Grace Hopper' });
    const again = await succeed('sign-in', 201, { headers: web, body: { idToken: await logInAs(email) } });
    expect(again.body.customerId).toBe(first.body.customerId);
  });

  test('comes in with the token itself once it was exchanged, and no more when the link is gone', async ({
    expect,
  }) => {
    const idToken = await logInAs(somebody());
    const refused = await call('get-me', { token: idToken });
    expect(refused).toMatchObject({ status: 401, body: { detail: expect.stringContaining('POST /sessions') } });
    const { body: session } = await succeed('sign-in', 201, { headers: web, body: { idToken } });
    expect((await succeed('get-me', 200, { token: idToken })).body.id).toBe(session.customerId);
    const { body: list } = await succeed('list-identities', 200, { token: session.token });
    expect(list.data).toHaveLength(1);
    const path = { identityId: list.data[0]!.id };
    await succeed('unlink-identity', 204, { token: session.token, path });
    expect((await call('get-me', { token: idToken })).status).toBe(401);
    expect((await call('get-me', { token: session.token })).status).toBe(200);
  });

  test('whose address is not confirmed is told to sign in otherwise', async ({ expect }) => {
    const idToken = await logInAs(somebody(), { verified: false });
    const answer = await call('sign-in', { headers: web, body: { idToken } });
    expect(answer).toMatchObject({ status: 409, body: { code: 'identity-not-linked' } });
  });

  test('is not let in by a token that was made for another application, or changed', async ({ expect }) => {
    const idToken = await logInAs(somebody());
    const [header, payload, signature] = idToken.split('.') as [string, string, string];
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString());
    const forged = Buffer.from(JSON.stringify({ ...claims, sub: 'local-1' })).toString('base64url');
    for (const bad of [`${header}.${forged}.${signature}`, `${header}.${payload}.${'A'.repeat(86)}`]) {
      const answer = await call('sign-in', { headers: web, body: { idToken: bad } });
      expect(answer).toMatchObject({ status: 401, body: { code: 'id-token-invalid' } });
    }
    const elsewhere = await call('sign-in', { body: { idToken } });
    expect(elsewhere).toMatchObject({ status: 401, body: { code: 'id-token-invalid' } });
  });
});
