import { randomUUID } from 'node:crypto';
import { type Problem, problems, problemTypeBase } from '../../../lib/contract/api/problems.ts';

/** The answer of RFC 9457 to a problem that came up before any handler was asked. */
export function problemAnswer({ code, message, errors, headers }: Problem, instance: string) {
  const { status, title } = problems[code];
  const requestId = `req_${randomUUID().replaceAll('-', '')}`;
  const detail = message === '' ? {} : { detail: message };
  const body = { type: `${problemTypeBase}${code}`, title, status, ...detail, instance, code, requestId, errors };
  return {
    statusCode: status,
    headers: { 'content-type': 'application/problem+json', 'x-request-id': requestId, ...headers },
    body: JSON.stringify(body),
  };
}
