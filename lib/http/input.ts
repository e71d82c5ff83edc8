import { createHash } from 'node:crypto';
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import * as z from 'zod/mini';
import type { InputOf, OperationContract, SignedBody } from '../contract/api/operation.ts';
import { maxWaitSeconds } from '../contract/api/orders.ts';
import { type InputError, Problem } from '../contract/api/problems.ts';
import { isDeeperThan, maxDepth } from './json-depth.ts';

/** Largest body of a request, in bytes; a signed one has its own limit. */
export const maxBodyBytes = 64 * 1024;

export type Headers = {
  /** `Idempotency-Key`, where the operation takes one. */
  idempotencyKey: string | undefined;
  /** Seconds of `Prefer: wait=N`, 0 without it. */
  waitSeconds: number;
  /** Version that `If-Match` names; undefined without it or with `*`. */
  ifMatch: number | undefined;
  ifNoneMatch: string | undefined;
};

/**
 * The validated input of an operation. The body was parsed before.
 * @throws Problem invalid-input with a pointer for each error; not-found for a path that cannot exist
 */
export function parseInput<C extends OperationContract>(contract: C, event: APIGatewayProxyEventV2): InputOf<C> {
  return {
    path: contract.path && parsePath(contract.path, event.pathParameters ?? {}),
    query: contract.query && parse(contract.query, event.queryStringParameters ?? {}, (path) => `?${path.join('.')}`),
    body: contract.signed
      ? signedBody(contract.signed.header, event)
      : contract.body && parse(contract.body, event.body as unknown, toPointer),
  } as InputOf<C>;
}

/**
 * Looks at the size and the depth of a body before anything is parsed.
 * @throws Problem body-too-large; invalid-json when it is nested too deep; invalid-input when a body comes where none is
 * taken
 */
export function checkBody(contract: OperationContract, event: APIGatewayProxyEventV2): void {
  if (contract.unpublished) return;
  const body = event.body ?? '';
  const bytes = Buffer.byteLength(body, event.isBase64Encoded ? 'base64' : 'utf8');
  const most = contract.signed?.maxBytes ?? maxBodyBytes;
  if (bytes > most) throw new Problem('body-too-large', `The body has ${bytes} bytes; at most ${most} are taken.`);
  const text = event.isBase64Encoded ? Buffer.from(body, 'base64').toString() : body;
  if (contract.body !== undefined && isDeeperThan(maxDepth, text)) {
    throw new Problem('invalid-json', `The body is nested deeper than ${maxDepth} levels.`);
  }
  if (contract.body === undefined && contract.signed === undefined && bytes > 0) {
    const trimmed = text.trim();
    if (trimmed !== '' && !/^\{\s*\}$/.test(trimmed)) {
      throw new Problem('invalid-input', 'This operation takes no body.', {
        errors: [{ pointer: '', detail: 'must be empty' }],
      });
    }
  }
}

/** @throws Problem idempotency-key-missing, idempotency-key-invalid, version-stale */
export function parseHeaders(contract: OperationContract, headers: Record<string, string | undefined>): Headers {
  return {
    idempotencyKey: parseIdempotencyKey(contract, headers['idempotency-key']),
    waitSeconds: contract.wait ? parseWait(headers.prefer) : 0,
    ifMatch: contract.ifMatch ? parseIfMatch(headers['if-match']) : undefined,
    ifNoneMatch: headers['if-none-match'],
  };
}

/** What makes two requests the same under one key: the operation, its path and its validated body. */
export const fingerprintOf = (operation: string, input: { path: unknown; body: unknown }): string =>
  createHash('sha256')
    .update(JSON.stringify([operation, input.path, input.body]))
    .digest('hex');

function signedBody(header: string, { body = '', isBase64Encoded, headers }: APIGatewayProxyEventV2): SignedBody {
  const text = isBase64Encoded ? Buffer.from(body, 'base64').toString() : body;
  return { text, signature: headers[header.toLowerCase()] };
}

function parse(schema: z.ZodMiniType, value: unknown, pointer: (path: PropertyKey[]) => string): unknown {
  const result = z.safeParse(schema, value, { error: describe });
  if (result.success) return result.data;
  const errors: InputError[] = result.error.issues
    .flatMap(ofAlternatives)
    .flatMap((issue) =>
      issue.code === 'unrecognized_keys'
        ? issue.keys.map((key) => ({ pointer: pointer([...issue.path, key]), detail: 'is not known here' }))
        : [{ pointer: pointer(issue.path), detail: issue.message }],
    );
  // Of several at one place the last is the closest: a price is over the most for a price before it is over 2⁵³.
  const shown = [...new Map(errors.map((error) => [error.pointer, error])).values()].slice(0, 20);
  throw new Problem('invalid-input', `${shown[0]?.pointer || 'The body'} ${shown[0]?.detail}.`, { errors: shown });
}

/** Of alternatives, the errors of the only one that knows all fields that came; else that it is one or the other. */
function ofAlternatives(issue: z.core.$ZodIssue): z.core.$ZodIssue[] {
  if (issue.code !== 'invalid_union') return [issue];
  const possible = issue.errors.filter((issues) => issues.every(({ code }) => code !== 'unrecognized_keys'));
  if (possible.length !== 1) return [issue];
  return possible[0]!.map((inner) => ({ ...inner, path: [...issue.path, ...inner.path] }));
}

function parsePath(schema: z.ZodMiniType, value: unknown): unknown {
  const result = z.safeParse(schema, value);
  if (!result.success) throw new Problem('not-found', 'There is nothing under this address.');
  return result.data;
}

/** JSON pointer of RFC 6901. */
const toPointer = (path: PropertyKey[]): string =>
  path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');

/** One sentence part for each way of being wrong; a schema's own message wins. */
function describe(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined ? 'is missing' : `must be ${article(issue.expected)}`;
    case 'too_small':
      return `must ${counted('at least', Number(issue.minimum), issue.origin)}`;
    case 'too_big':
      return `must ${counted('at most', Number(issue.maximum), issue.origin)}`;
    case 'invalid_value':
      return `must be one of ${issue.values.join(', ')}`;
    case 'invalid_format':
      return issue.format === 'regex' ? 'is not of the form it must have' : `is not a valid ${issue.format}`;
    default:
      return undefined;
  }
}

/** `be at most 5`, or `have at most 5 items` of what has a length. */
function counted(bound: string, limit: number, origin: string): string {
  const unit = { string: 'character', array: 'item' }[origin];
  return unit === undefined ? `be ${bound} ${limit}` : `have ${bound} ${limit} ${unit}${limit === 1 ? '' : 's'}`;
}

const article = (type: string): string =>
  type === 'int' ? 'a whole number' : `${/^[aeiou]/.test(type) ? 'an' : 'a'} ${type}`;

function parseIdempotencyKey(contract: OperationContract, key: string | undefined): string | undefined {
  if (contract.idempotency === undefined) return undefined;
  if (key === undefined && contract.idempotency === 'accepted') return undefined;
  if (key === undefined || (key === '' && contract.idempotency === 'required')) {
    throw new Problem(
      'idempotency-key-missing',
      'Send an Idempotency-Key header: any text that is new for each order.',
    );
  }
  if (!/^[\x21-\x7e]{1,255}$/.test(key)) {
    throw new Problem('idempotency-key-invalid', 'An Idempotency-Key is 1 to 255 visible ASCII characters.');
  }
  return key;
}

/** RFC 7240: a preference that cannot be understood is ignored; one that asks for too much is cut to the most. */
function parseWait(prefer: string | undefined): number {
  const seconds = /(?:^|[,;])\s*wait\s*=\s*"?(\d{1,6})"?\s*(?:$|[,;])/i.exec(prefer ?? '')?.[1];
  return seconds === undefined ? 0 : Math.min(Number(seconds), maxWaitSeconds);
}

function parseIfMatch(header: string | undefined): number | undefined {
  if (header === undefined || header.trim() === '*') return undefined;
  const version = /^"(\d{1,9})"$/.exec(header.trim())?.[1];
  if (version === undefined) throw new Problem('version-stale', 'If-Match must be the ETag that was read last.');
  return Number(version);
}
