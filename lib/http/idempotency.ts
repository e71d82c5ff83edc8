import { callerKey } from '../contract/api/caller.ts';
import type { OperationContract } from '../contract/api/operation.ts';
import type { Request } from '../platform/handlers/http.ts';
import type { Result } from './result.ts';

/** What an idempotency record is claimed by, out of a request. */
export const claimOf = (operation: string, request: Request<OperationContract>) => ({
  caller: callerKey(request.caller),
  key: request.idempotencyKey,
  operation,
  fingerprint: request.fingerprint,
  requestId: request.requestId,
});

/** An answer as kept in an idempotency record, from a result and back. */
export const toStored = ({ status, body, headers = {} }: Result) => ({
  status,
  headers,
  body: body === undefined ? undefined : JSON.stringify(body),
});

export function fromStored(
  answer: { status: number; headers: Record<string, string>; body: string | undefined },
  replayed: boolean,
): Result {
  return {
    status: answer.status,
    headers: replayed ? { ...answer.headers, 'idempotency-replayed': 'true' } : answer.headers,
    ...(answer.body === undefined ? {} : { body: { contentType: 'application/json', text: answer.body } }),
  };
}
