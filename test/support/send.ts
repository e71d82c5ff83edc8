export type SendOptions = {
  baseUrl: string;
  /** A value to send as JSON. */
  body?: unknown;
  /** Text to send instead of `body`. Give its content type in `headers`. */
  raw?: string;
  headers?: Record<string, string>;
  /** Bearer token. */
  token?: string | undefined;
  /** Client-Id, sent when there is no bearer token. */
  clientId?: string | undefined;
  /** Idempotency-Key. */
  key?: string;
  /** Seconds of `Prefer: wait=N`. */
  wait?: number;
  signal?: AbortSignal;
};

export type Answer<B = unknown> = { status: number; headers: Headers; text: string; body: B };

/** Sends one request and reads the whole answer. */
export async function send(method: string, path: string, options: SendOptions): Promise<Answer> {
  const body = options.raw ?? (options.body === undefined ? undefined : JSON.stringify(options.body));
  const response = await fetch(`${options.baseUrl}${path}`, {
    method,
    headers: {
      ...(options.body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(options.clientId === undefined || options.token !== undefined ? {} : { 'client-id': options.clientId }),
      ...(options.token === undefined ? {} : { authorization: `Bearer ${options.token}` }),
      ...(options.key === undefined ? {} : { 'idempotency-key': options.key }),
      ...(options.wait === undefined ? {} : { prefer: `wait=${options.wait}` }),
      ...options.headers,
    },
    ...(body === undefined ? {} : { body }),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
    redirect: 'error',
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, body: parse(response.headers, text) };
}

function parse(headers: Headers, text: string): unknown {
  return /\bjson\b/.test(headers.get('content-type') ?? '') && text !== '' ? JSON.parse(text) : text;
}

/** The media type of a body. An empty answer has none, though API Gateway adds a content type to it. */
export const mediaTypeOf = ({ headers, text }: Pick<Answer, 'headers' | 'text'>): string | undefined =>
  text === '' ? undefined : headers.get('content-type')?.split(';', 1)[0];
