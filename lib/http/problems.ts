import { type InputError, Problem, type ProblemCode, problems, problemTypeBase } from '../contract/api/problems.ts';
import { DeadlineExceeded } from '../kernel/deadline.ts';
import { isOutage } from '../kernel/outage.ts';
import { noContent } from './response.ts';

export type ProblemBody = {
  type: string;
  title: string;
  status: number;
  detail?: string;
  instance: string;
  code: ProblemCode;
  requestId: string;
  errors?: InputError[];
  quote?: object;
};

/** `Retry-After` while a dependency is unavailable, in seconds. */
const retryAfterSeconds = 2;

/** The problem to answer with for whatever was thrown. */
export function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof DeadlineExceeded || isOutage(error)) {
    return new Problem('unavailable', 'A part of the service is unavailable. Try again shortly.', {
      cause: error,
      headers: { 'retry-after': String(retryAfterSeconds) },
    });
  }
  return fromBodyParser(error) ?? new Problem('internal', '', { cause: error });
}

/** The problem of a body that middy's parser refused. Only its errors name its package; others have a `statusCode` too. */
function fromBodyParser(error: unknown): Problem | undefined {
  if (!(error instanceof Error && 'statusCode' in error && typeof error.cause === 'object')) return undefined;
  if (!(error.cause !== null && 'package' in error.cause && error.cause.package === '@middy/http-json-body-parser')) {
    return undefined;
  }
  return error.statusCode === 415
    ? new Problem('unsupported-media-type', 'Send the body as application/json.', { cause: error })
    : new Problem('invalid-json', 'The body cannot be parsed as JSON.', { cause: error });
}

/** The response of a problem (RFC 9457). For an unexpected error, it reveals nothing but the request id. */
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
    ...(problem.quote === undefined ? {} : { quote: problem.quote }),
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
