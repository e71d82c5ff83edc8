import { timingSafeEqual } from 'node:crypto';
import { Hash } from '@smithy/hash-node';
import { HttpRequest } from '@smithy/protocol-http';
import { SignatureV4 } from '@smithy/signature-v4';
import { iamRefusal, type Refusal } from './wire.ts';

/** The owner of an access key, and the database users for which their policy allows `rds-db:connect`. */
export type Principal = { secretAccessKey: string; sessionToken?: string; dbUsers: readonly string[] };

/** What a token must have been signed for, and where its signer's key is looked up. */
export type Audience = {
  host: string;
  port: number;
  region: string;
  principals: (accessKeyId: string) => Principal | undefined;
  clock: { now(): number };
};

const longestLifeSeconds = 900;
const clockSkewMs = 5 * 60_000;

/**
 * Verifies an IAM authentication token: the URL of a SigV4-presigned `GET /?Action=connect&DBUser=…` for service
 * `rds-db`, without its scheme. The signature is computed again with the principal's key. Throws a Refusal (28P01).
 */
export async function verifyToken(token: string, user: string, audience: Audience): Promise<void> {
  const refuse = (reason: string): Refusal => iamRefusal(user, reason);
  const { hostname, port, path, query } = parse(token) ?? {};
  if (!query) throw refuse('the password is not an IAM token');
  const [accessKeyId = '', day, region, service, ending, ...more] = query['X-Amz-Credential']!.split('/');
  if (query['X-Amz-Algorithm'] !== 'AWS4-HMAC-SHA256' || service !== 'rds-db' || ending !== 'aws4_request' || more[0])
    throw refuse('the token is not signed for service rds-db');
  if (query.Action !== 'connect' || path !== '/' || query['X-Amz-SignedHeaders'] !== 'host')
    throw refuse('the token is not one to connect with');
  if (hostname !== audience.host) throw refuse(`the token is for host ${hostname}`);
  if (port !== audience.port) throw refuse(`the token is for port ${port}`);
  if (region !== audience.region) throw refuse(`the token is for region ${region}`);
  if (query.DBUser !== user) throw refuse(`the token is for user ${query.DBUser}`);

  const signedAt = parseTime(query['X-Amz-Date']!);
  const lifeSeconds = Number(query['X-Amz-Expires']);
  if (Number.isNaN(signedAt) || !query['X-Amz-Date']!.startsWith(`${day}T`))
    throw refuse('the token has no valid date');
  if (!Number.isInteger(lifeSeconds) || lifeSeconds < 1 || lifeSeconds > longestLifeSeconds)
    throw refuse('the token is not made for 1 to 900 seconds');
  const now = audience.clock.now();
  if (now >= signedAt + lifeSeconds * 1000) throw refuse('the token has expired');
  if (now < signedAt - clockSkewMs) throw refuse('the token is dated in the future');

  const principal = audience.principals(accessKeyId);
  if (!principal) throw refuse(`access key ${accessKeyId} is unknown`);
  if (principal.sessionToken !== query['X-Amz-Security-Token'])
    throw refuse(`the session token is not the one of access key ${accessKeyId}`);
  const expected = await sign(audience, user, principal, accessKeyId, signedAt, lifeSeconds);
  if (!sameText(expected, query['X-Amz-Signature']!)) throw refuse('the signature does not match');
  if (!principal.dbUsers.includes(user))
    throw refuse(`access key ${accessKeyId} lacks rds-db:connect for user ${user}`);
}

const required = [
  'Action',
  'DBUser',
  'X-Amz-Algorithm',
  'X-Amz-Credential',
  'X-Amz-Date',
  'X-Amz-Expires',
  'X-Amz-Signature',
  'X-Amz-SignedHeaders',
];
const optional = ['X-Amz-Security-Token'];

type Parsed = { hostname: string; port: number; path: string; query: Record<string, string> };

/** Parses a token. Undefined unless it has each parameter once and no other: only those are signed again. */
function parse(token: string): Parsed | undefined {
  const url = URL.parse(`https://${token}`);
  if (!url || url.username || url.password || url.hash) return undefined;
  const query = Object.fromEntries(url.searchParams);
  const names = Object.keys(query);
  if (url.searchParams.size !== names.length) return undefined;
  if (!required.every((name) => name in query)) return undefined;
  if (!names.every((name) => required.includes(name) || optional.includes(name))) return undefined;
  return { hostname: url.hostname, port: Number(url.port || 443), path: url.pathname, query };
}

/** `20260102T030405Z` in ms since the epoch, or NaN. */
export function parseTime(text: string): number {
  const parts = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(text);
  return parts ? Date.parse(`${parts[1]}-${parts[2]}-${parts[3]}T${parts[4]}:${parts[5]}:${parts[6]}Z`) : Number.NaN;
}

async function sign(
  { host, port, region }: Audience,
  user: string,
  { secretAccessKey, sessionToken }: Principal,
  accessKeyId: string,
  signedAt: number,
  expiresIn: number,
): Promise<string> {
  const credentials = { accessKeyId, secretAccessKey, ...(sessionToken !== undefined && { sessionToken }) };
  const signer = new SignatureV4({ service: 'rds-db', region, credentials, sha256: Hash.bind(null, 'sha256') });
  const request = new HttpRequest({
    protocol: 'https:',
    method: 'GET',
    hostname: host,
    port,
    path: '/',
    query: { Action: 'connect', DBUser: user },
    headers: { host: `${host}:${port}` },
  });
  const { query } = await signer.presign(request, { expiresIn, signingDate: new Date(signedAt) });
  return String(query!['X-Amz-Signature']);
}

function sameText(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}
