import { type PublicKeys, publicKeysOf } from './public-keys.ts';

/** An issuer did not answer, or not with what OpenID Connect Discovery 1.0 wants. Asking again may help. */
export class IssuerUnusable extends Error {
  override readonly name = 'IssuerUnusable';
}

const largestDocument = 256 * 1024;

/**
 * The keys that an OpenID Connect issuer publishes: those of the document that `/.well-known/openid-configuration` names.
 * `timeoutMs` is for each of the two documents. Only https is asked, on the machine itself http too, and no redirect is
 * followed.
 * @throws IssuerUnusable
 */
export async function fetchIssuerKeys(issuer: string, { timeoutMs = 5000 } = {}): Promise<PublicKeys> {
  const discovery = await fetchJson(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`, timeoutMs);
  const { issuer: named, jwks_uri: uri } = discovery;
  if (named !== issuer) throw new IssuerUnusable(`${issuer} calls itself ${JSON.stringify(named)}`);
  if (typeof uri !== 'string') throw new IssuerUnusable(`${issuer} names no jwks_uri`);
  const keys = publicKeysOf(await fetchJson(uri, timeoutMs));
  // Nobody could sign in any more: rather go on with the keys from before.
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
    if (bytes > largestDocument) throw refuse(`has more than ${largestDocument} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Whether nobody on the way can have changed what this address answers. */
export const isTrustworthy = ({ protocol, hostname }: URL): boolean =>
  protocol === 'https:' || (protocol === 'http:' && /^(localhost|127\.0\.0\.1|\[::1\])$/.test(hostname));
