import { type PublicKeys, publicKeysOf } from './public-keys.ts';

/** An issuer did not answer, or its answer does not conform to OpenID Connect Discovery 1.0. Trying again may help. */
export class IssuerUnusable extends Error {
  override readonly name = 'IssuerUnusable';
}

const maxDocumentBytes = 256 * 1024;

/**
 * Fetches the keys of an OpenID Connect issuer, from the address that its `/.well-known/openid-configuration` names.
 * Uses https only (http for localhost), and follows no redirect.
 * @param timeoutMs for each of the two documents, in milliseconds
 * @throws IssuerUnusable
 */
export async function fetchIssuerKeys(issuer: string, { timeoutMs = 5000 } = {}): Promise<PublicKeys> {
  const discovery = await fetchJson(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`, timeoutMs);
  const { issuer: named, jwks_uri: uri } = discovery;
  if (named !== issuer) throw new IssuerUnusable(`${issuer} calls itself ${JSON.stringify(named)}`);
  if (typeof uri !== 'string') throw new IssuerUnusable(`${issuer} names no jwks_uri`);
  const keys = publicKeysOf(await fetchJson(uri, timeoutMs));
  // Without keys nobody could sign in. Fail instead, so that the previous keys stay in use.
  if (keys.keys.length === 0) throw new IssuerUnusable(`${uri} has no key that signatures can be verified with`);
  return keys;
}

async function fetchJson(address: string, timeoutMs: number): Promise<Record<string, unknown>> {
  const url = URL.parse(address);
  if (url === null || !isTrustworthy(url)) throw new IssuerUnusable(`${address} is not an https address`);
  const refuse = (what: string, cause?: unknown) => new IssuerUnusable(`${address} ${what}`, { cause });
  try {
    const signal = AbortSignal.timeout(timeoutMs);
    const response = await fetch(url, { redirect: 'error', signal, headers: { accept: 'application/json' } });
    if (response.status !== 200) throw refuse(`answered ${response.status}`);
    const found: unknown = JSON.parse(await readText(response, refuse));
    if (typeof found !== 'object' || found === null) throw refuse('is not an object');
    return found as Record<string, unknown>;
  } catch (error) {
    throw error instanceof IssuerUnusable ? error : refuse('cannot be read', error);
  }
}

async function readText(response: Response, refuse: (what: string) => Error): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > maxDocumentBytes) throw refuse(`has more than ${maxDocumentBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Whether a response from this address cannot have been changed on its way: https, or this machine. */
export const isTrustworthy = ({ protocol, hostname }: URL): boolean =>
  protocol === 'https:' || (protocol === 'http:' && /^(localhost|127\.0\.0\.1|\[::1\])$/.test(hostname));
