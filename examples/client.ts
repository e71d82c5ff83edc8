import createClient, { type Client } from 'openapi-fetch';
import type { components, paths } from './generated/api.d.ts';

export type Api = Client<paths>;
export type Money = components['schemas']['Money'];
export type Order = components['schemas']['Order'];
export type Product = components['schemas']['Product'];
export type Quote = components['schemas']['Quote'];
export type StockLevel = components['schemas']['StockLevel'];
export type TimelineEntry = components['schemas']['TimelineEntry'];
export type Line = components['schemas']['CreateQuoteRequest']['lines'][number];

/** An answer that is not a success, as RFC 9457 describes it. Branch on `code`, show `message`. */
export class ApiProblem extends Error {
  readonly code: string;
  readonly status: number;
  /** What to quote when you ask for help. */
  readonly requestId: string | undefined;
  /** When it makes sense to ask again. */
  readonly retryAfterSeconds: number | undefined;

  constructor(problem: Partial<components['schemas']['Problem']> | undefined, { status, headers }: Response) {
    super(problem?.detail ?? problem?.title ?? `The server answered ${status}.`);
    this.name = 'ApiProblem';
    this.code = problem?.code ?? 'unknown';
    this.status = status;
    this.requestId = problem?.requestId;
    this.retryAfterSeconds = Number(headers.get('retry-after')) || undefined;
  }
}

/**
 * The API with every path, parameter and answer typed from `openapi.json`. `headers` say who calls: `Client-Id` for a web page or
 * an app, `Authorization` for a session or an application's key.
 */
export const connect = (baseUrl: string, headers: Record<string, string>): Api =>
  createClient<paths>({ baseUrl, headers });

type Result<T> = { data?: T; error?: components['schemas']['Problem']; response: Response };

/** @returns the answer of a call that succeeded. @throws ApiProblem */
export async function unwrap<T>(call: Promise<Result<T>>): Promise<T> {
  const { data, error, response } = await call;
  if (data === undefined) throw new ApiProblem(error, response);
  return data;
}

/** Every product, page by page. @throws ApiProblem */
export async function* listProducts(api: Api): AsyncGenerator<Product> {
  let cursor: string | undefined;
  do {
    const query = cursor === undefined ? { limit: 100 } : { limit: 100, cursor };
    const page = await unwrap(api.GET('/products', { params: { query } }));
    yield* page.data;
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined);
}
