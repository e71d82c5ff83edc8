import { randomBytes } from 'node:crypto';
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import type { Caller } from '../contract/api/caller.ts';
import type { InputOf, OperationContract } from '../contract/api/operation.ts';
import type { Meter } from '../contract/deploy/metrics.ts';
import type { Clock, Stopwatch } from '../kernel/clock.ts';
import { newId } from '../kernel/ids.ts';
import type { Logger } from '../kernel/log.ts';
import { type Edge, fromClient } from './edge.ts';
import type { RequestHeaders } from './headers.ts';

/** What a handler's `run` gets: an authorized caller and validated input. */
export type Request<C extends OperationContract, K extends Caller = Caller> = InputOf<C> &
  RequestHeaders & {
    caller: K;
    requestId: string;
    /** Equal for two requests that may share an idempotency key; empty where the operation takes none. */
    fingerprint: string;
    /**
     * 32 bytes that only the same credential with the same idempotency key can make again, with a salt. For answers that
     * show a secret: a repeat makes it anew, and nobody stores it.
     */
    secretOf(salt: Buffer): Buffer;
    /** When `Prefer: wait` ends, on the stopwatch. It counts from before the handler runs. */
    waitUntil: number;
    /** Names things in the access record whose ids are neither in the path nor in the answer. */
    touch(...ids: string[]): void;
    /** Puts the access record under a customer whose account it concerns, though the caller has not proved to be them. */
    concerns(customerId: string): void;
    /** The request line and the origin as they came. */
    target: { method: string; path: string; origin: string | undefined };
    meter: Meter;
    log: Logger;
  };

/** One request on its way through the middleware. It is created before anything can fail, and serves every answer. */
export type RequestContext = {
  readonly event: APIGatewayProxyEventV2;
  readonly requestId: string;
  readonly accessId: string;
  /** On the stopwatch. */
  readonly startedAt: number;
  /** Header fields that the answer gets whatever it is, also a refusal: limits and CORS. */
  readonly responseHeaders: Record<string, string>;
  /** Ids that the handler names in the access record. */
  readonly touched: Set<string>;
  /** The caller as soon as it is known, also when it is refused afterwards. For the access record. */
  caller: Caller | undefined;
  /** The customer whose account the request concerns, if the caller is none. For the access record. */
  concerned: string | undefined;
  /** What admission found out; undefined until the request is admitted. */
  admission: Admission | undefined;
};

/** A request that may be handled: by whom, with which header fields, and how its permit is released. */
export type Admission = { caller: Caller; headers: RequestHeaders; release: () => Promise<void> };

export function openRequest(
  event: APIGatewayProxyEventV2,
  { clock, stopwatch, edge }: { clock: Clock; stopwatch: Stopwatch; edge: Edge },
): RequestContext {
  return {
    event: fromClient(event, edge.key),
    requestId: requestIdOf(event.headers['x-request-id'], event.requestContext.requestId),
    accessId: newId('access', clock),
    startedAt: stopwatch.elapsed(),
    responseHeaders: {},
    touched: new Set(),
    caller: undefined,
    concerned: undefined,
    admission: undefined,
  };
}

/** The client's request id if it is safe to log, else the gateway's, else a new one. */
function requestIdOf(fromClient: string | undefined, fromGateway: string | undefined): string {
  if (fromClient !== undefined && /^[A-Za-z0-9._-]{1,128}$/.test(fromClient)) return fromClient;
  return fromGateway ?? `req_${randomBytes(16).toString('hex')}`;
}
