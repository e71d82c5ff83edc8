import { createHash } from 'node:crypto';
import { callerKey } from '../contract/api/caller.ts';
import type { OperationContract } from '../contract/api/operation.ts';
import type { Request } from './request.ts';
import type { Result } from './response.ts';

/**
 * Equal for two requests that may share an idempotency key: a hash of the operation, its path and its validated body.
 */
export const fingerprintOf = (operation: string, input: { path: unknown; body: unknown }): string =>
  createHash('sha256')
    .update(JSON.stringify([operation, input.path, input.body]))
    .digest('hex');

/** What identifies the idempotency record of a request. */
export const claimOf = (operation: string, request: Request<OperationContract>) => ({
  caller: callerKey(request.caller),
  key: request.idempotencyKey,
  operation,
  fingerprint: request.fingerprint,
  requestId: request.requestId,
});

/** A result in the form that an idempotency record stores. */
export const toStored = ({ status, body, headers = {} }: Result) => ({
  status,
  headers,
  body: body === undefined ? undefined : JSON.stringify(body),
});

/** A stored answer as a result. A replayed one says so in a header field. */
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
