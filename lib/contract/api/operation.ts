import type * as z from 'zod/mini';
import type { ProblemCode } from './problems.ts';

/**
 * Input and output of one HTTP operation. The handler validates with it, and the OpenAPI document is generated from it.
 * `summary`, `description`, `responses` and `statuses` are for the document alone: bundles of handlers leave them out.
 */
export type OperationContract = {
  summary: string;
  description?: string;
  /** Left out of the OpenAPI document. */
  unpublished?: true;
  path?: z.ZodMiniType;
  query?: z.ZodMiniType;
  body?: z.ZodMiniType;
  /** The body may be left out; it counts as `{}`. */
  bodyOptional?: true;
  /** Instead of `body`: the raw text up to `maxBytes`, which the header field signs. */
  signed?: { header: string; maxBytes: number };
  /** Instead of `body`: a file up to `maxBytes`, as text in UTF-8 of one of these media types. */
  raw?: { types: readonly string[]; maxBytes: number };
  /** Body schema by status; `null` for an answer without a body. */
  responses: Readonly<Record<number, z.ZodMiniType | null>>;
  /** What a success status means here, unless the default text says it. */
  statuses?: Readonly<Record<number, string>>;
  /** Header fields of a success that no other property implies. */
  headers?: readonly ('Location' | 'ETag' | 'Order-Token')[];
  /** Media type of the answer; JSON by default. */
  contentType?: string;
  /** Fields of the answer that only applications with `customers:read` see; `a.b` is the field `b` in `a`. */
  personal?: readonly string[];
  /** Problems of this operation, in addition to those of every operation of its kind. */
  problems?: readonly ProblemCode[];
  /** Whether the operation requires or accepts an `Idempotency-Key`. */
  idempotency?: 'required' | 'accepted';
  /** Takes `Prefer: wait=N`. */
  wait?: true;
  /** Answers with an `ETag` and honours `If-None-Match`. */
  etag?: true;
  /**
   * What a caller gets who sends nothing but a `Client-Id` is the same for all of them and no secret, so shared caches may keep
   * it.
   */
  shareable?: true;
  /** Takes a guest’s `Order-Token`. */
  orderToken?: true;
  /** Answers with its rows as CSV or Parquet where the client prefers that, and with 406 where it takes no form that there is. */
  formats?: true;
  /** The problem that an invalid value of a parameter, or of a place in the body, is, where it has one of its own. */
  problemOf?: Readonly<Record<string, ProblemCode>>;
  /** Takes `If-Match`. */
  ifMatch?: true;
  /** The answer lists accesses: the audit records what was asked about, not every id in the answer. */
  aboutAccesses?: true;
};

type Output<T> = T extends z.ZodMiniType ? z.output<T> : undefined;

/** A raw body and the header field that signs it, both unchecked. */
export type SignedBody = { text: string; signature: string | undefined };

/** A file as it was sent, and its media type without parameters. */
export type RawBody = { text: string; type: string };

/** Validated input of an operation. */
export type InputOf<C extends OperationContract> = {
  path: Output<C['path']>;
  query: Output<C['query']>;
  body: C extends { signed: object } ? SignedBody : C extends { raw: object } ? RawBody : Output<C['body']>;
};
