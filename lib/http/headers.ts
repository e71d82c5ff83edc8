import type { VersionCondition } from '../contract/api/common.ts';
import type { ReportFormat } from '../contract/api/formats.ts';
import type { OperationContract } from '../contract/api/operation.ts';
import { maxWaitSeconds } from '../contract/api/orders.ts';
import { Problem } from '../contract/api/problems.ts';
import { preferredFormat } from './accept.ts';
import { versionOf } from './response.ts';

/** The header fields of a request that operations use. */
export type RequestHeaders = {
  /** `Idempotency-Key`, where the operation takes one. */
  idempotencyKey: string | undefined;
  /** Seconds of `Prefer: wait=N`; 0 without it. */
  waitSeconds: number;
  /** What `If-Match` and `If-None-Match` ask of the version that a write changes. */
  condition: VersionCondition;
  ifNoneMatch: string | undefined;
  /** `Order-Token`, where the operation takes one. */
  orderToken: string | undefined;
  /** What the client likes best of the forms that a report comes in; JSON where the operation has no other. */
  format: ReportFormat;
};

/** @throws Problem idempotency-key-missing, idempotency-key-invalid, version-stale, not-acceptable */
export function parseHeaders(contract: OperationContract, headers: Record<string, string | undefined>): RequestHeaders {
  return {
    idempotencyKey: parseIdempotencyKey(contract, headers['idempotency-key']),
    waitSeconds: contract.wait ? parseWait(headers.prefer) : 0,
    condition: contract.ifMatch
      ? { oneOf: parseIfMatch(headers['if-match']), noneOf: parseIfNoneMatch(headers['if-none-match']) }
      : {},
    ifNoneMatch: headers['if-none-match'],
    orderToken: contract.orderToken ? headers['order-token'] : undefined,
    format: contract.formats ? preferredFormat(headers.accept) : 'json',
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

/** RFC 9110 §13.1.1: a list of entity tags, compared strongly, so that weak ones and those of others match nothing. */
function parseIfMatch(header: string | undefined): number[] | undefined {
  if (header === undefined || header.trim() === '*') return undefined;
  const versions = header.split(',').flatMap((tag) => versionOf(tag.trim()) ?? []);
  if (versions.length === 0) throw new Problem('version-stale', 'If-Match must be the ETag of the version you read.');
  return versions;
}

/**
 * RFC 9110 §13.1.2: `*` asks that there be nothing to change yet, but operations change what exists. A list of entity
 * tags is compared weakly.
 */
function parseIfNoneMatch(header: string | undefined): number[] | undefined {
  if (header?.trim() === '*') {
    throw new Problem('version-stale', 'The resource exists, and If-None-Match: * asks that it does not.');
  }
  return header?.split(',').flatMap((tag) => versionOf(tag.trim().replace(/^W\//, '')) ?? []);
}
