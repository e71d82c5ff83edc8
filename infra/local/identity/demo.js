// Signs a customer in at an OpenID provider, exactly as a web shop would.

const settings = await (await fetch('/demo.json')).json();
const redirectUri = `${location.origin}/demo`;
const steps = document.getElementById('steps');

document.getElementById('begin').addEventListener('click', begin);
const answer = new URLSearchParams(location.search);
if (answer.has('code') || answer.has('error'))
  await finish().catch((error) => show('This did not work', String(error)));

/** 1. Send the browser to the provider, with the hash of a secret that stays in this tab (RFC 7636). */
async function begin() {
  const [verifier, state, nonce] = [random(), random(), random()];
  sessionStorage.setItem('login', JSON.stringify({ verifier, state, nonce }));
  const query = new URLSearchParams({
    client_id: settings.clientId,
    redirect_uri: redirectUri,
    response_type: 'code',
    scope: 'openid email profile',
    code_challenge: base64url(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(verifier))),
    code_challenge_method: 'S256',
    state,
    nonce,
  });
  location.assign(`/auth?${query}`);
}

/** 2. Exchange the code for an id token, and the id token for a session. */
async function finish() {
  const started = JSON.parse(sessionStorage.getItem('login') ?? '{}');
  sessionStorage.removeItem('login');
  history.replaceState(null, '', '/demo');
  if (answer.get('state') !== started.state)
    throw new Error('This answer does not belong to a login that this page started.');
  if (answer.has('error')) throw new Error(answer.get('error_description') ?? answer.get('error'));
  show('The provider sent the browser back with a code');

  const form = {
    grant_type: 'authorization_code',
    client_id: settings.clientId,
    code: answer.get('code'),
    redirect_uri: redirectUri,
    code_verifier: started.verifier,
  };
  const response = await fetch('/token', { method: 'POST', body: new URLSearchParams(form) });
  const tokens = await response.json();
  if (!response.ok) throw new Error(tokens.error_description ?? tokens.error);
  const claims = JSON.parse(fromBase64url(tokens.id_token.split('.')[1]));
  if (claims.nonce !== started.nonce) throw new Error('The id token was not issued for this login.');
  show('The code was exchanged for an id token with these claims', JSON.stringify(claims, null, 2));

  const headers = { 'content-type': 'application/json', ...settings.headers };
  const body = JSON.stringify({ idToken: tokens.id_token });
  try {
    const opened = await fetch(`${settings.apiUrl}/sessions`, { method: 'POST', headers, body });
    const session = await opened.json();
    show(`POST /sessions answered ${opened.status}`, JSON.stringify(session, null, 2));
    if (!opened.ok) return;
    const authorization = `Bearer ${session.token}`;
    const me = await fetch(`${settings.apiUrl}/customers/me`, { headers: { ...settings.headers, authorization } });
    show(`GET /customers/me answered ${me.status}`, JSON.stringify(await me.json(), null, 2));
  } catch {
    const given = Object.entries(headers).map(([name, value]) => `-H '${name}: ${value}'`);
    show(
      'The API does not accept requests from pages of this address. Paste this into a terminal',
      `curl -s ${settings.apiUrl}/sessions ${given.join(' ')} -d '${body}'`,
    );
  }
}

function show(title, text) {
  const item = steps.appendChild(document.createElement('li'));
  item.append(title);
  if (text === undefined) return;
  item.appendChild(document.createElement('pre')).textContent = text;
}

function random() {
  return base64url(crypto.getRandomValues(new Uint8Array(32)));
}

function base64url(bytes) {
  const text = String.fromCharCode(...new Uint8Array(bytes));
  return btoa(text).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

function fromBase64url(text) {
  const bytes = Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (char) => char.charCodeAt(0));
  return new TextDecoder().decode(bytes);
}
