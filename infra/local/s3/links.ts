import { timingSafeEqual } from 'node:crypto';
import { Hash } from '@smithy/hash-node';
import { HttpRequest } from '@smithy/protocol-http';
import { SignatureV4 } from '@smithy/signature-v4';
import type { Clock } from '../../../lib/kernel/clock.ts';
import { parseTime } from '../rds-proxy/token.ts';

export type Credentials = { accessKeyId: string; secretAccessKey: string };
export type Refused = { status: number; code: string };

/** The parameters that a signature adds to a link. */
const ofSignature = [
  'X-Amz-Algorithm',
  'X-Amz-Content-Sha256',
  'X-Amz-Credential',
  'X-Amz-Date',
  'X-Amz-Expires',
  'X-Amz-Security-Token',
  'X-Amz-Signature',
  'X-Amz-SignedHeaders',
];

/** Why S3 would not serve a link (AWS Signature Version 4 in the query); undefined when it would. The signature is computed again. */
export async function refusalOf(
  url: URL,
  { credentials, clock }: { credentials: Credentials; clock: Clock },
): Promise<Refused | undefined> {
  const given = Object.fromEntries(url.searchParams);
  const seconds = Number(given['X-Amz-Expires']);
  const signedAt = parseTime(given['X-Amz-Date'] ?? '');
  const [accessKeyId, , region = ''] = (given['X-Amz-Credential'] ?? '').split('/');
  const denied = { status: 403, code: 'AccessDenied' };
  if (Number.isNaN(signedAt) || !Number.isInteger(seconds) || seconds < 1) return denied;
  if (accessKeyId !== credentials.accessKeyId) return { status: 403, code: 'InvalidAccessKeyId' };
  if (clock.now() >= signedAt + seconds * 1000) return denied;
  const sessionToken = given['X-Amz-Security-Token'];
  const signer = new SignatureV4({
    service: 's3',
    region,
    credentials: { ...credentials, ...(sessionToken === undefined ? {} : { sessionToken }) },
    sha256: Hash.bind(null, 'sha256'),
    uriEscapePath: false,
  });
  const request = new HttpRequest({
    method: 'GET',
    protocol: url.protocol,
    hostname: url.hostname,
    port: Number(url.port),
    path: url.pathname,
    query: Object.fromEntries(Object.entries(given).filter(([name]) => !ofSignature.includes(name))),
    headers: { host: url.host, 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' },
  });
  const { query } = await signer.presign(request, { expiresIn: seconds, signingDate: new Date(signedAt) });
  const [expected, signature] = [query?.['X-Amz-Signature'], given['X-Amz-Signature']].map((text) =>
    Buffer.from(String(text)),
  );
  const matches = expected!.length === signature!.length && timingSafeEqual(expected!, signature!);
  return matches ? undefined : { status: 403, code: 'SignatureDoesNotMatch' };
}
