import type * as z from 'zod/mini';
import type { ProblemCode } from './problems.ts';

/** What one HTTP operation takes and gives. The handler validates by it; the OpenAPI document is generated from it. */
export type OperationContract = {
  summary: string;
  description?: string;
  /** Not in the OpenAPI document: it is no operation of its own. */
  unpublished?: true;
  path?: z.ZodMiniType;
  query?: z.ZodMiniType;
  body?: z.ZodMiniType;
  /** In place of `body`: it is taken as it came, up to so many bytes, for a signature over it in this header field. */
  signed?: { header: string; maxBytes: number };
  /** Body schema by status; `null` for an answer without a body. */
  responses: Readonly<Record<number, z.ZodMiniType | null>>;
  /** What a status of a success means here, where the usual words do not say it. */
  statuses?: Readonly<Record<number, string>>;
  /** Header fields of a success that nothing else here implies. */
  headers?: readonly ('Location' | 'ETag')[];
  /** Media type of the answer, in place of JSON. */
  contentType?: string;
  /** Fields of the answer that only an application with `customers:read` gets. */
  personal?: readonly string[];
  /** Problems of this operation, beside those that every operation of its kind has. */
  problems?: readonly ProblemCode[];
  /** Whether the operation takes an `Idempotency-Key` and whether it must. */
  idempotency?: 'required' | 'accepted';
  /** Takes `Prefer: wait=N`. */
  wait?: true;
  /** Answers with an `ETag`, and knows `If-None-Match`. */
  etag?: true;
  /** Takes `If-Match`. */
  ifMatch?: true;
  /** The answer is about accesses: the record of this one names what was asked about, not every id in the answer. */
  aboutAccesses?: true;
};

type Output<T> = T extends z.ZodMiniType ? z.output<T> : undefined;

/** A body as it came, and the header field that signs it. Nothing of it is checked yet. */
export type SignedBody = { text: string; signature: string | undefined };

/** Validated input of an operation. */
export type InputOf<C extends OperationContract> = {
  path: Output<C['path']>;
  query: Output<C['query']>;
  body: C extends { signed: object } ? SignedBody : Output<C['body']>;
};
