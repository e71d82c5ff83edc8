import { createHash } from 'node:crypto';
import type { Caller } from '../contract/api/caller.ts';
import type { OperationContract } from '../contract/api/operation.ts';

/** What a handler's `run` returns. Without `etag`, an operation whose contract has one gets the hash of its body. */
export type Result = {
  status: number;
  body?: unknown;
  headers?: Record<string, string>;
  etag?: string;
};

/** A body that is text already. */
export type TextBody = { contentType: string; text: string };

/** A body that is no text. API Gateway gets it in base64, and sends it as it is. */
export type BinaryBody = { contentType: string; bytes: Buffer };

/** The strong entity tag of a version of a resource. */
export const versionTag = (version: number): string => `"${version}"`;

/** Ends the tag of a representation without personal fields, which is another one than the full representation. */
const limited = '-limited"';

/** The version in an entity tag of either representation; undefined for any other tag. */
export function versionOf(tag: string): number | undefined {
  const version = /^"(\d{1,9})(?:-limited)?"$/.exec(tag)?.[1];
  return version === undefined ? undefined : Number(version);
}

/** Turns a result into a response, or into 304 when the client has it already (RFC 9110 §13.1.2). */
export function toResponse(
  result: Result,
  options: {
    requestId: string;
    tagged: boolean;
    ifNoneMatch: string | undefined;
    /** Whether the operation is public. */
    shared: boolean;
    /** How long shared caches may serve a tagged answer without asking, in seconds; undefined if they may not keep it. */
    maxAge?: number | undefined;
  },
) {
  const headers: Record<string, string> = {
    'x-request-id': options.requestId,
    'content-security-policy': noContent,
    'cache-control': options.shared ? 'no-cache' : 'no-store',
    ...result.headers,
  };
  if (isBinary(result.body)) {
    headers['content-type'] = result.body.contentType;
    return { statusCode: result.status, headers, body: result.body.bytes.toString('base64'), isBase64Encoded: true };
  }
  const raw = isText(result.body) ? result.body : undefined;
  const body = raw?.text ?? (result.body === undefined ? '' : JSON.stringify(result.body));
  if (body !== '') headers['content-type'] ??= raw?.contentType ?? 'application/json';
  if (options.tagged && result.status === 200) {
    const etag = result.etag ?? `"${createHash('sha256').update(body).digest('base64url').slice(0, 27)}"`;
    headers.etag = etag;
    if (!options.shared) headers['cache-control'] = cacheControl(options.maxAge);
    if (options.ifNoneMatch !== undefined && matches(options.ifNoneMatch, etag)) {
      delete headers['content-type'];
      return { statusCode: 304, headers, body: '' };
    }
  } else if (result.etag !== undefined) {
    headers.etag = result.etag;
  }
  return { statusCode: result.status, headers, body };
}

const cacheControl = (maxAge: number | undefined): string => {
  if (maxAge === undefined) return 'private, no-cache';
  return maxAge === 0 ? 'public, no-cache' : `public, max-age=${maxAge}`;
};

/** Content security policy of an answer that is not a page: it loads nothing, runs nothing and is not framed. */
export const noContent = "default-src 'none'; frame-ancestors 'none'";

const isText = (body: unknown): body is TextBody =>
  typeof body === 'object' && body !== null && 'contentType' in body && 'text' in body;

const isBinary = (body: unknown): body is BinaryBody =>
  typeof body === 'object' && body !== null && 'contentType' in body && 'bytes' in body;

/** The weak comparison of RFC 9110 §13.1.2. */
const matches = (ifNoneMatch: string, etag: string): boolean =>
  ifNoneMatch.trim() === '*' ||
  ifNoneMatch.split(',').some((candidate) => candidate.trim().replace(/^W\//, '') === etag.replace(/^W\//, ''));

/** A result without its personal fields, unless the caller's application may read customers. */
export function withoutPersonalFields(result: Result, { personal }: OperationContract, caller: Caller): Result {
  if (personal === undefined || caller.kind === 'anonymous' || caller.application.scopes.includes('customers:read')) {
    return result;
  }
  const { body: whole } = result;
  // A stored answer is text already.
  const given: unknown = isText(whole) && whole.contentType === 'application/json' ? JSON.parse(whole.text) : whole;
  const body = personal.reduce<unknown>((left, path) => without(path.split('.'), left), given);
  if (body === given) return result;
  const tag = result.etag === undefined ? {} : { etag: result.etag.replace(/"$/, limited) };
  return { ...result, ...tag, body };
}

/** The value without what is at a path, in each item of a list; the value itself if there is nothing. */
function without([name, ...inside]: string[], value: unknown): unknown {
  if (Array.isArray(value)) {
    const items = value.map((item) => without([name!, ...inside], item));
    return items.every((item, index) => item === value[index]) ? value : items;
  }
  if (typeof value !== 'object' || value === null || name === undefined || !(name in value)) return value;
  const { [name]: found, ...rest } = value as Record<string, unknown>;
  if (inside.length === 0) return rest;
  const left = without(inside, found);
  return left === found ? value : { ...value, [name]: left };
}
