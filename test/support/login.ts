import { createHash, randomBytes } from 'node:crypto';

export type Login = { clientId: string; redirectUri: string; email: string; name?: string; verified?: boolean };
export type Tokens = { id_token: string; access_token: string; refresh_token?: string };

/** Signs in at the local OpenID provider as a browser does, and exchanges the code for tokens. */
export async function logIn(issuer: string, login: Login): Promise<Tokens> {
  const { clientId, redirectUri } = login;
  const verifier = randomBytes(32).toString('base64url');
  const { code } = await authorize(issuer, login, {
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
  });
  const form = { grant_type: 'authorization_code', client_id: clientId, redirect_uri: redirectUri, code: code! };
  const response = await exchange(issuer, { ...form, code_verifier: verifier });
  if (!response.ok) throw new Error(`no tokens: ${response.status} ${await response.text()}`);
  return (await response.json()) as Tokens;
}

export const exchange = (issuer: string, form: Record<string, string>): Promise<Response> =>
  fetch(`${issuer}/token`, { method: 'POST', body: new URLSearchParams(form) });

/** Follows redirects until one leads back to the client. @returns the query of that one */
export async function authorize(
  issuer: string,
  { clientId, redirectUri, email, name = 'Ada Lovelace', verified = true }: Login,
  more: Record<string, string>,
): Promise<Record<string, string>> {
  const query = new URLSearchParams({
    client_id: clientId,
    redirect_uri: redirectUri,
    response_type: 'code',
    scope: 'openid email profile',
    state: 'state-1',
    nonce: 'nonce-1',
    ...more,
  });
  const cookies = new Map<string, string>();
  const form = new URLSearchParams({ email, name, ...(verified ? { verified: 'yes' } : {}) });
  let address = `${issuer}/auth?${query}`;
  let response = await ask(address, cookies);
  for (let step = 0; step < 10; step++) {
    const location = response.headers.get('location');
    if (location === null) {
      // The login page: submit it unchanged.
      if (!/\/interaction\//.test(address)) throw new Error(`${response.status} ${await response.text()}`);
      response = await ask(address, cookies, form);
      continue;
    }
    address = new URL(location, address).href;
    if (address.startsWith(`${redirectUri}?`)) return Object.fromEntries(new URL(address).searchParams);
    response = await ask(address, cookies);
  }
  throw new Error('the provider sends in circles');
}

async function ask(address: string, cookies: Map<string, string>, form?: URLSearchParams): Promise<Response> {
  const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
  const response = await fetch(address, {
    redirect: 'manual',
    headers: { cookie },
    ...(form === undefined ? {} : { method: 'POST', body: form }),
  });
  for (const line of response.headers.getSetCookie()) {
    const [, name, value] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
    if (name !== undefined && value !== undefined) cookies.set(name, value);
  }
  return response;
}
