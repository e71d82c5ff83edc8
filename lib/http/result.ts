import { createHash } from 'node:crypto';

/** What a handler answers with. Without `etag`, an operation whose contract has one gets the hash of its body. */
export type Result = {
  status: number;
  body?: unknown;
  headers?: Record<string, string>;
  etag?: string;
};

/** A body that is already text of another type than JSON. */
export type TextBody = { contentType: string; text: string };

/** Strong entity tag of a versioned resource. */
export const versionTag = (version: number): string => `"${version}"`;

export function toResponse(
  result: Result,
  options: { requestId: string; tagged: boolean; ifNoneMatch: string | undefined; shared: boolean },
) {
  const headers: Record<string, string> = {
    'x-request-id': options.requestId,
    'content-security-policy': noContent,
    'cache-control': options.shared ? 'no-cache' : 'no-store',
    ...result.headers,
  };
  const raw = isText(result.body) ? result.body : undefined;
  const body = raw?.text ?? (result.body === undefined ? '' : JSON.stringify(result.body));
  if (body !== '') headers['content-type'] ??= raw?.contentType ?? 'application/json';
  if (options.tagged && result.status === 200) {
    const etag = result.etag ?? `"${createHash('sha256').update(body).digest('base64url').slice(0, 27)}"`;
    headers.etag = etag;
    if (!options.shared) headers['cache-control'] = 'private, no-cache';
    if (options.ifNoneMatch !== undefined && matches(options.ifNoneMatch, etag)) {
      delete headers['content-type'];
      return { statusCode: 304, headers, body: '' };
    }
  } else if (result.etag !== undefined) {
    headers.etag = result.etag;
  }
  return { statusCode: result.status, headers, body };
}

/** An answer of the API is never a document: nothing in it loads, runs or is framed. */
export const noContent = "default-src 'none'; frame-ancestors 'none'";

const isText = (body: unknown): body is TextBody =>
  typeof body === 'object' && body !== null && 'contentType' in body && 'text' in body;

/** Weak comparison of RFC 9110 §13.1.2. */
const matches = (ifNoneMatch: string, etag: string): boolean =>
  ifNoneMatch.trim() === '*' ||
  ifNoneMatch.split(',').some((candidate) => candidate.trim().replace(/^W\//, '') === etag.replace(/^W\//, ''));
