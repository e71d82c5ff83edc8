import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';

/** A request that cannot be done, and why, for who made it. */
export class Refused extends Error {
  override readonly name = 'Refused';
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** An endpoint of the page. `path` is a pattern below `/console/api/`, whose groups are given on. */
export type Endpoint = {
  method: 'GET' | 'POST';
  path: RegExp;
  answer(asked: { parts: string[]; query: URLSearchParams; body: unknown }): Promise<unknown>;
};

export type File = { type: string; content: string | Uint8Array };

type Options = {
  endpoints: readonly Endpoint[];
  /** A file of the page by its path below `/console/`; undefined when there is none. */
  file: (path: string) => Promise<File | undefined>;
  /** The page itself, and the header fields that it needs. */
  page: () => Promise<{ html: string; headers: Record<string, string> }>;
  join: (response: ServerResponse) => void;
};

const root = '/console';
const largestBody = 64 * 1024;

/** The HTTP server of the console: the page, its files, its data, and the stream of changes. */
export function createConsoleServer({ endpoints, file, page, join }: Options): Server {
  return createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      const status = error instanceof Refused ? error.status : 500;
      const message = error instanceof Error ? error.message : String(error);
      if (response.headersSent) response.destroy();
      else sendJson(response, status, { error: message });
    });
  });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams: query } = new URL(request.url ?? '/', 'http://console');
    const path = decodeURI(pathname.slice(root.length + 1));
    if (path === 'live' && request.method === 'GET') return join(response);
    if (path.startsWith('api/')) return sendJson(response, 200, await call(request, path.slice(4), query));
    if (request.method !== 'GET' && request.method !== 'HEAD') throw new Refused(405, 'Only GET is possible here.');
    const found = await file(path);
    if (found !== undefined) {
      response.writeHead(200, { 'content-type': found.type, 'cache-control': 'no-cache', ...safe }).end(found.content);
      return;
    }
    if (/\.\w+$/.test(path)) throw new Refused(404, 'There is no such file.');
    const { html, headers } = await page();
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-cache', ...headers });
    response.end(html);
  }

  async function call(request: IncomingMessage, path: string, query: URLSearchParams): Promise<unknown> {
    const found = endpoints.flatMap((endpoint) => {
      const parts = endpoint.path.exec(path);
      return parts === null ? [] : [{ endpoint, parts: parts.slice(1) }];
    });
    const match = found.find(({ endpoint }) => endpoint.method === request.method);
    if (match === undefined) throw new Refused(found.length > 0 ? 405 : 404, 'The console cannot do that.');
    const body = request.method === 'POST' ? await readBody(request) : undefined;
    return match.endpoint.answer({ parts: match.parts, query, body });
  }
}

const safe = { 'x-content-type-options': 'nosniff', 'cross-origin-resource-policy': 'same-origin' };

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store', ...safe });
  response.end(JSON.stringify(body));
}

/** @throws Refused for what a page of another site can send, or what is no JSON */
async function readBody(request: IncomingMessage): Promise<unknown> {
  const { origin, host, 'content-type': type = '' } = request.headers;
  if (origin !== undefined && origin !== `http://${host}`)
    throw new Refused(403, 'Another site cannot use the console.');
  if (!/^application\/json\s*(;|$)/i.test(type)) throw new Refused(415, 'Send the body as application/json.');
  let text = '';
  for await (const chunk of request as AsyncIterable<Buffer>) {
    text += chunk.toString();
    if (text.length > largestBody) throw new Refused(413, 'The body is too large.');
  }
  try {
    return JSON.parse(text);
  } catch {
    throw new Refused(400, 'The body cannot be parsed as JSON.');
  }
}
