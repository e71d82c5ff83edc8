import { createHash, type JsonWebKey, randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Context, Provider } from 'oidc-provider';
import { errorPage, loginPage } from './pages.ts';

/** Clients that the local OpenID provider knows from the start: the demo's web shop and its mobile app. */
export const demoClients = { web: 'counterfoil-demo-web', mobile: 'counterfoil-demo-mobile' };

export type LocalProvider = {
  /** Answers a request of the protocol or of the login page. */
  handle(request: IncomingMessage, response: ServerResponse): Promise<void>;
};

type Account = { email: string; email_verified: boolean; name: string };

/**
 * An OpenID provider for development: it signs anyone in with the e-mail that they enter. Authorization code with PKCE,
 * for clients without secrets.
 */
export async function createLocalProvider(issuer: string, key: JsonWebKey): Promise<LocalProvider> {
  const [{ Provider }, { default: MemoryAdapter }] = await Promise.all([
    import('oidc-provider'),
    import('oidc-provider/lib/adapters/memory_adapter.js'),
  ]);
  const accounts = new Map<string, Account>();
  const common = {
    token_endpoint_auth_method: 'none',
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    id_token_signed_response_alg: 'ES256',
  };
  const provider: Provider = new Provider(issuer, {
    // A subclass, since the library warns about its own MemoryAdapter. Logins may end with the process here.
    adapter: class Volatile extends MemoryAdapter {},
    clients: [
      { ...common, client_id: demoClients.web, application_type: 'web', redirect_uris: [`${issuer}/demo`] },
      {
        ...common,
        client_id: demoClients.mobile,
        application_type: 'native',
        // Any port is allowed on a loopback address (RFC 8252 §7.3).
        redirect_uris: ['http://127.0.0.1/callback', 'com.example.counterfoil:/callback'],
      },
    ],
    jwks: { keys: [key] },
    cookies: { keys: [randomBytes(32).toString('base64url')] },
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
    // As with Cognito and most others, the id token has the claims of the requested scopes.
    conformIdTokenClaims: false,
    pkce: { required: () => true },
    features: { devInteractions: { enabled: false }, rpInitiatedLogout: { enabled: false } },
    interactions: { url: (_: unknown, { uid }: { uid: string }) => `/interaction/${uid}` },
    ttl: { AccessToken: 900, AuthorizationCode: 60, IdToken: 900, Interaction: 3600, Session: 86_400, Grant: 86_400 },
    clientBasedCORS: () => true,
    findAccount: (_: unknown, sub: string) => {
      const account = accounts.get(sub);
      return account && { accountId: sub, claims: () => ({ sub, ...account }) };
    },
    // The clients are the shop's own, so nobody has to consent.
    loadExistingGrant: async ({ oidc }: Context) => {
      const grant = new provider.Grant({ clientId: oidc.client.clientId, accountId: oidc.session.accountId });
      grant.addOIDCScope('openid email profile offline_access');
      await grant.save();
      return grant;
    },
    renderError: (ctx: Context, { error, error_description }: Record<string, string>) => {
      ctx.type = 'html';
      ctx.body = errorPage(error ?? '', error_description ?? '');
    },
  });
  const callback = provider.callback();

  async function interact(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { uid, prompt, params } = await provider.interactionDetails(request, response);
    if (prompt.name !== 'login') return provider.interactionFinished(request, response, { consent: {} });
    if (request.method !== 'POST') {
      const hint = typeof params.login_hint === 'string' ? params.login_hint : 'grace@example.com';
      return sendPage(response, 200, loginPage(uid, { email: hint, name: 'Grace Hopper' }));
    }
    const form = new URLSearchParams(await readForm(request));
    const email = (form.get('email') ?? '').trim().toLowerCase();
    const name = (form.get('name') ?? '').trim();
    if (!/^[^\s@]+@[^\s@]+$/.test(email)) {
      return sendPage(response, 400, loginPage(uid, { email, name, error: 'Enter an e-mail address.' }));
    }
    // The same after a restart.
    const sub = `local-${createHash('sha256').update(email).digest('hex').slice(0, 32)}`;
    accounts.set(sub, { email, email_verified: form.get('verified') === 'yes', name });
    return provider.interactionFinished(request, response, { login: { accountId: sub } });
  }

  return {
    async handle(request, response) {
      if (!/^\/interaction\/[\w-]+$/.test(request.url ?? '')) return callback(request, response);
      await interact(request, response).catch((error: Error) =>
        sendPage(response, 400, errorPage(error.name, 'This login has expired. Start it again.')),
      );
    },
  };
}

function sendPage(response: ServerResponse, status: number, html: string): void {
  response
    .writeHead(status, {
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-store',
      'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    })
    .end(html);
}

const largestForm = 10_000;

async function readForm(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request) {
    text += chunk;
    if (text.length > largestForm) throw new Error('the form is too large');
  }
  return text;
}
