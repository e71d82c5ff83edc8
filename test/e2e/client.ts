import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { inject } from 'vitest';
import type * as z from 'zod/mini';
import type { OperationId, operations } from '../../lib/contract/api/operations.ts';
import type { InputError, ProblemCode } from '../../lib/contract/api/problems.ts';
import { semaphore } from '../../lib/kernel/semaphore.ts';
import { type Answer, mediaTypeOf, type SendOptions, send as sendRequest } from '../support/send.ts';
import { addressOf, promises } from './document.ts';

export type { Answer } from '../support/send.ts';

export type Options = Omit<SendOptions, 'baseUrl'> & {
  path?: Record<string, string>;
  query?: Record<string, string | number>;
  /** Another address than the target's. */
  baseUrl?: string;
};

/** A body of RFC 9457 in the product's words. */
export type ProblemBody = {
  type: string;
  title: string;
  status: number;
  detail?: string;
  instance: string;
  code: ProblemCode;
  requestId: string;
  errors?: InputError[];
};

type Responses<O extends OperationId> = (typeof operations)[O]['responses'];
type BodyOf<O extends OperationId, S extends keyof Responses<O>> =
  Responses<O>[S] extends z.ZodMiniType<infer B> ? B : undefined;

const target = inject('target');
const promised = promises(target.document);
/** Connections that one file of tests opens at most. */
const turn = semaphore(64);

/**
 * Calls an operation where the published document says that it is, and holds the answer against what that document
 * promises of its status. A refusal by the rate limit, or because the target is busy, is waited out.
 */
export async function call(operation: OperationId, options: Options = {}): Promise<Answer> {
  const { method, path } = addressOf(target.document, operation);
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(options.path?.[name] ?? ''));
  const query = new URLSearchParams(
    Object.entries(options.query ?? {}).map(([name, value]): [string, string] => [name, `${value}`]),
  );
  const answer = await send(method, `${filled}${query.size === 0 ? '' : `?${query}`}`, options);
  checkAnswer(operation, answer);
  return answer;
}

/** Calls an operation that must answer with this status. */
export async function succeed<O extends OperationId, S extends keyof Responses<O> & number>(
  operation: O,
  status: S,
  options: Options = {},
): Promise<Answer<BodyOf<O, S>>> {
  return expectStatus(operation, status, await call(operation, options));
}

/** Sends a request again while a busy target answers 503, up to three minutes: what any client is expected to do. */
export async function patiently<A extends Answer>(request: () => Promise<A>): Promise<A> {
  for (const giveUp = performance.now() + 3 * 60_000; ; ) {
    const answer = await request();
    if (answer.status !== 503 || performance.now() > giveUp) return answer;
    await sleep(1000 * Number(answer.headers.get('retry-after') ?? 1));
  }
}

function expectStatus<O extends OperationId, S extends keyof Responses<O> & number>(
  operation: O,
  status: S,
  answer: Answer,
): Answer<BodyOf<O, S>> {
  assert.equal(answer.status, status, `${operation} gave ${answer.status}: ${answer.text}`);
  return answer as Answer<BodyOf<O, S>>;
}

/** Calls an operation that must answer that the copy with this entity tag is still good. */
export async function unchanged(operation: OperationId, etag: string, options: Options = {}): Promise<Answer> {
  const answer = await call(operation, { ...options, headers: { 'if-none-match': etag, ...options.headers } });
  assert.equal(answer.status, 304, `${operation} gave ${answer.status}: ${answer.text}`);
  return answer;
}

/** Calls an operation that must answer with this problem. */
export async function refused(
  operation: OperationId,
  status: number,
  code: ProblemCode,
  options: Options = {},
): Promise<Answer<ProblemBody>> {
  const answer = (await call(operation, options)) as Answer<ProblemBody>;
  const given = { status: answer.status, code: answer.body?.code };
  assert.deepEqual(given, { status, code }, `${operation} gave ${answer.status}: ${answer.text}`);
  return answer;
}

/** Sends a request to any path, outside the document, and waits out the rate limit and a busy target. */
export async function send(method: string, path: string, options: Options = {}): Promise<Answer> {
  for (;;) {
    const answer = await patiently(() => turn(() => sendOnce(method, path, options)));
    if (answer.status !== 429 || codeOf(answer) === 'sign-in-locked') return answer;
    await sleep(1000 * Number(answer.headers.get('retry-after') ?? 1));
  }
}

/** Sends one request, to the target unless `options` says otherwise, and reads the whole answer. */
export const sendOnce = (method: string, path: string, options: Options = {}): Promise<Answer> =>
  sendRequest(method, path, { baseUrl: target.baseUrl, clientId: target.clientId, ...options });

/** Holds an answer against the document and against what every answer of the product has. */
function checkAnswer(operation: OperationId, answer: Answer): void {
  const name = `${operation} ${answer.status}`;
  const promise = promised(operation, answer.status);
  if (promise === undefined) throw new Error(`${name} is not in the document; it said ${answer.text}`);
  for (const header of ['x-request-id', ...(isSuccess(answer) ? promise.headers : [])]) {
    if (!sometimes.has(header)) assert.ok(answer.headers.has(header), `${name} has no ${header}`);
  }
  const { 'x-content-type-options': sniffing, 'content-security-policy': policy } = Object.fromEntries(answer.headers);
  assert.equal(sniffing, 'nosniff', `${name} has the x-content-type-options ${sniffing}`);
  assert.match(policy ?? '', /default-src 'none'/, `${name} has the content-security-policy ${policy}`);

  const type = mediaTypeOf(answer);
  const schema = type === undefined ? undefined : promise.bodies[type];
  if (schema === undefined) {
    const given = { type, text: answer.text, promised: Object.keys(promise.bodies) };
    assert.deepEqual(given, { type: undefined, text: '', promised: [] }, `${name} gave ${JSON.stringify(given)}`);
    return;
  }
  const result = schema.safeParse(answer.body);
  if (!result.success) throw new Error(`${name} is not as documented: ${result.error.message}\n${answer.text}`);
  if (type === 'application/problem+json') {
    const { code } = answer.body as ProblemBody;
    assert.ok(promise.problems.includes(code), `${name} has no ${code} in the document`);
    checkProblem(operation, answer as Answer<ProblemBody>);
  }
}

function checkProblem(operation: OperationId, { status, headers, body }: Answer<ProblemBody>): void {
  const pattern = addressOf(target.document, operation).path.replaceAll(/\{\w+\}/g, '[^/]+');
  assert.equal(body.status, status);
  assert.ok(body.type.endsWith(`/${body.code}`), `${body.type} does not end with ${body.code}`);
  assert.equal(body.requestId, headers.get('x-request-id'));
  assert.match(body.instance, new RegExp(`${pattern}$`));
  if (status === 401) assert.equal(headers.get('www-authenticate'), 'Bearer');
}

/** Header fields that an answer has only when something was asked for, or for guests alone. */
const sometimes = new Set(['Idempotency-Replayed', 'Order-Token', 'Preference-Applied']);

const isSuccess = ({ status }: Answer): boolean => status >= 200 && status < 300;

const codeOf = ({ body }: Answer): unknown =>
  typeof body === 'object' && body !== null && 'code' in body ? body.code : undefined;
