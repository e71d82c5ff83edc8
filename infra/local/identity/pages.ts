/** The provider's login page, with an e-mail and a name filled in. */
export const loginPage = (uid: string, { email, name, error }: { email: string; name: string; error?: string }) =>
  page(
    'Sign in (development)',
    `<p>This provider is for development. It does not ask for a password: you are signed in with the e-mail that you enter.</p>
${error === undefined ? '' : `<p role="alert"><strong>${escaped(error)}</strong></p>`}
<form method="post" action="/interaction/${escaped(uid)}">
<p><label for="email">E-mail</label><br>
<input id="email" name="email" type="email" required autocomplete="email" value="${escaped(email)}"></p>
<p><label for="name">Name</label><br>
<input id="name" name="name" autocomplete="name" maxlength="200" value="${escaped(name)}"></p>
<p><label><input name="verified" type="checkbox" value="yes" checked> the address is verified</label></p>
<p><button>Sign in</button></p>
</form>`,
  );

export const errorPage = (error: string, detail: string) =>
  page('This did not work', `<p>${escaped(detail)}</p><p><code>${escaped(error)}</code></p>`);

/** Shows the whole flow in a browser. `demo.js` runs it. */
export const demoPage = () =>
  page(
    'Sign in with OpenID Connect',
    `<p>How a web shop signs a customer in: authorization code with PKCE at this provider, then the id token is exchanged for
a session at <code>POST /sessions</code>.</p>
<p><button id="begin" type="button">Sign in</button></p>
<ol id="steps" aria-live="polite"></ol>
<script type="module" src="/demo.js"></script>`,
  );

const page = (title: string, body: string) => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 44rem; margin: 2rem auto; padding: 0 1rem; color: #1b1b1b; background: #fff }
input:not([type=checkbox]) { font: inherit; width: 100%; box-sizing: border-box; padding: .4rem; border: 1px solid #595959; border-radius: 4px }
button { font: inherit; padding: .5rem 1.2rem; color: #fff; background: #0b5394; border: 0; border-radius: 4px; cursor: pointer }
button:focus-visible, input:focus-visible { outline: 3px solid #f0a500; outline-offset: 2px }
pre { white-space: pre-wrap; overflow-wrap: anywhere; background: #f2f2f2; padding: .6rem; border-radius: 4px }
</style>
</head>
<body>
<main>
<h1>${title}</h1>
${body}
</main>
</body>
</html>
`;

const escapes: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
const escaped = (text: string): string => text.replace(/[&<>"']/g, (character) => escapes[character]!);
