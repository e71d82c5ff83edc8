import { generateKeyPairSync, type JsonWebKey, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { forThisMachine } from '../loopback.ts';
import { demoPage } from './pages.ts';
import { createLocalProvider, demoClients, type LocalProvider } from './provider.ts';

export type Identity = { issuer: string; stop(): Promise<void> };

export type IdentityOptions = {
  /** 0 takes a free port. */
  port: number;
  /** Keeps the signing key. */
  keyFile: string;
  /** The API as the demo page calls it. */
  api: () => Promise<{ baseUrl: string; headers: Record<string, string> }>;
};

/**
 * The OpenID provider of the local stack, with a page under `/demo` that shows the whole flow in a browser. The
 * provider itself is loaded at the first request, to keep the start short.
 * @throws the system's error when the port cannot be had
 */
export async function startIdentity({ port, keyFile, api }: IdentityOptions): Promise<Identity> {
  let issuer = '';
  let provider: Promise<LocalProvider> | undefined;
  const load = (): Promise<LocalProvider> => {
    provider ??= loadSigningKey(keyFile).then((key) => createLocalProvider(issuer, key));
    return provider;
  };

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = (request.url ?? '').split('?', 1)[0];
    if (request.method !== 'GET' || !/^\/demo(\.js(on)?)?$/.test(path ?? ''))
      return (await load()).handle(request, response);
    const { baseUrl, headers } = await api();
    if (path === '/demo') return send(response, 'text/html', demoPage(), baseUrl);
    if (path === '/demo.js') return send(response, 'text/javascript', await readFile(script, 'utf8'), baseUrl);
    const settings = { apiUrl: baseUrl, clientId: demoClients.web, headers };
    return send(response, 'application/json', JSON.stringify(settings), baseUrl);
  }

  const receive: RequestListener = (request, response) => {
    answer(request, response).catch((error: unknown) => {
      process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
      if (!response.headersSent) response.writeHead(500);
      response.end();
    });
  };
  const server = createServer(forThisMachine(receive));
  // Loopback only: anyone who can reach this provider can sign in as anyone.
  server.listen(port, 'localhost');
  await once(server, 'listening');
  issuer = `http://localhost:${(server.address() as AddressInfo).port}`;
  return {
    issuer,
    async stop() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

const script = new URL('./demo.js', import.meta.url);

function send(response: ServerResponse, type: string, body: string, apiUrl: string): void {
  response
    .writeHead(200, {
      'content-type': `${type}; charset=utf-8`,
      'cache-control': 'no-store',
      'content-security-policy': `default-src 'none'; script-src 'self'; style-src 'unsafe-inline'; connect-src 'self' ${apiUrl}; frame-ancestors 'none'`,
      'referrer-policy': 'no-referrer',
    })
    .end(body);
}

/** The private key that the provider signs with. It is kept in a file, so that a token is valid after a restart. */
async function loadSigningKey(file: string): Promise<JsonWebKey> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as JsonWebKey;
  } catch {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const key = { ...privateKey.export({ format: 'jwk' }), kid: randomUUID(), alg: 'ES256', use: 'sig' };
    await writeFile(file, JSON.stringify(key), { mode: 0o600 });
    return key;
  }
}
