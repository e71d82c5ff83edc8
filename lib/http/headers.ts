import type { OperationContract } from '../contract/api/operation.ts';
import { maxWaitSeconds } from '../contract/api/orders.ts';
import { Problem } from '../contract/api/problems.ts';

/** The header fields of a request that operations use. */
export type RequestHeaders = {
  /** `Idempotency-Key`, where the operation takes one. */
  idempotencyKey: string | undefined;
  /** Seconds of `Prefer: wait=N`; 0 without it. */
  waitSeconds: number;
  /** The version in `If-Match`; undefined without it or with `*`. */
  ifMatch: number | undefined;
  ifNoneMatch: string | undefined;
};

/** @throws Problem idempotency-key-missing, idempotency-key-invalid, version-stale */
export function parseHeaders(contract: OperationContract, headers: Record<string, string | undefined>): RequestHeaders {
  return {
    idempotencyKey: parseIdempotencyKey(contract, headers['idempotency-key']),
    waitSeconds: contract.wait ? parseWait(headers.prefer) : 0,
    ifMatch: contract.ifMatch ? parseIfMatch(headers['if-match']) : undefined,
    ifNoneMatch: headers['if-none-match'],
  };
}

function parseIdempotencyKey(contract: OperationContract, key: string | undefined): string | undefined {
  if (contract.idempotency === undefined) return undefined;
  if (key === undefined && contract.idempotency === 'accepted') return undefined;
  if (key === undefined || (key === '' && contract.idempotency === 'required')) {
    throw new Problem('idempotency-key-missing', 'Send an Idempotency-Key header with a new value for each order.');
  }
  if (!/^[\x21-\x7e]{1,255}$/.test(key)) {
    throw new Problem('idempotency-key-invalid', 'An Idempotency-Key has 1 to 255 visible ASCII characters.');
  }
  return key;
}

/** RFC 7240: a preference that cannot be parsed is ignored. A longer wait than allowed is shortened. */
function parseWait(prefer: string | undefined): number {
  const seconds = /(?:^|[,;])\s*wait\s*=\s*"?(\d{1,6})"?\s*(?:$|[,;])/i.exec(prefer ?? '')?.[1];
  return seconds === undefined ? 0 : Math.min(Number(seconds), maxWaitSeconds);
}

function parseIfMatch(header: string | undefined): number | undefined {
  if (header === undefined || header.trim() === '*') return undefined;
  const version = /^"(\d{1,9})"$/.exec(header.trim())?.[1];
  if (version === undefined) throw new Problem('version-stale', 'If-Match must be the ETag of the version you read.');
  return Number(version);
}
