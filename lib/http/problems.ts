import { randomBytes } from 'node:crypto';
import { type InputError, Problem, type ProblemCode, problems, problemTypeBase } from '../contract/api/problems.ts';
import { DeadlineExceeded } from '../kernel/deadline.ts';
import { isOutage } from '../kernel/outage.ts';
import { noContent } from './result.ts';

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

/** Seconds after which to try again when a part is away. */
const retryAfterSeconds = 2;

/** Turns whatever was thrown into the problem that the client may know about. */
export function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  const refusal = fromBodyParser(error);
  if (refusal !== undefined) return refusal;
  if (error instanceof DeadlineExceeded || isOutage(error)) {
    return new Problem('unavailable', 'A part of the service is not answering; try again shortly.', {
      cause: error,
      headers: { 'retry-after': String(retryAfterSeconds) },
    });
  }
  return new Problem('internal', '', { cause: error });
}

/** The answer of RFC 9457. An unexpected error says nothing but the request's id. */
export function problemResponse(problem: Problem, instance: string, requestId: string) {
  const { status, title } = problems[problem.code];
  const body: ProblemBody = {
    type: `${problemTypeBase}${problem.code}`,
    title,
    status,
    ...(problem.message === '' ? {} : { detail: problem.message }),
    instance,
    code: problem.code,
    requestId,
    ...(problem.errors === undefined ? {} : { errors: problem.errors }),
  };
  return {
    statusCode: status,
    headers: {
      'content-type': 'application/problem+json',
      'cache-control': 'no-store',
      'content-security-policy': noContent,
      'x-request-id': requestId,
      ...(status === 401 ? { 'www-authenticate': 'Bearer' } : {}),
      ...problem.headers,
    } as Record<string, string>,
    body: JSON.stringify(body),
  };
}

/** A request's id: the caller's own where it is fit to log, else the gateway's, else a new one. */
export function requestIdOf(offered: string | undefined, fromGateway: string | undefined): string {
  if (offered !== undefined && /^[A-Za-z0-9._-]{1,128}$/.test(offered)) return offered;
  return fromGateway ?? `req_${randomBytes(16).toString('hex')}`;
}

function fromBodyParser(error: unknown): Problem | undefined {
  if (!(error instanceof Error) || !('statusCode' in error) || packageOf(error.cause) !== bodyParser) return undefined;
  return error.statusCode === 415
    ? new Problem('unsupported-media-type', 'Send the body as application/json.', { cause: error })
    : new Problem('invalid-json', 'The body cannot be parsed as JSON.', { cause: error });
}

/** Marks its errors so; other libraries' errors have a `statusCode` too. */
const bodyParser = '@middy/http-json-body-parser';

const packageOf = (cause: unknown): unknown =>
  typeof cause === 'object' && cause !== null && 'package' in cause ? cause.package : undefined;
