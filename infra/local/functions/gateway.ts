import { isUtf8 } from 'node:buffer';
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { isIP } from 'node:net';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { Problem, type ProblemCode, problems, problemTypeBase } from '../../../lib/contract/api/problems.ts';
import { anythingElse, type Found, type Matcher, matcher, type Row } from '../../../lib/contract/deploy/routing.ts';
import { clock } from '../../../lib/platform/clock.ts';
import { namesThisMachine } from '../loopback.ts';
import { QueueFull } from './queue.ts';

/** API Gateway's limit. */
const largestBody = 10 * 1024 * 1024;

export type Invoke<R extends Row> = (
  route: R,
  event: APIGatewayProxyEventV2,
) => Promise<APIGatewayProxyStructuredResultV2 | string | undefined>;

/** Answers requests that are for no function. @returns whether it answers this one */
export type Front = (request: IncomingMessage, response: ServerResponse) => boolean;

export type GatewayOptions = {
  /** A name of this machine besides `localhost`. */
  ownName?: string | undefined;
  /** Whether clients may call it by any name, as behind a load balancer. */
  anyHost?: boolean;
  /** How many proxies stand before it, each of which adds to `X-Forwarded-For`: so many entries from the end are believed. */
  trustedProxies?: number;
  front?: Front;
};

/**
 * API Gateway (HTTP API) on a laptop: turns a request into an event of payload format 2.0, runs the handler that the
 * table names, and sends its answer.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
 */
export function createGateway<R extends Row>(
  table: readonly R[],
  invoke: Invoke<R>,
  onDone: (line: { method: string; path: string; status: number; milliseconds: number }) => void,
  { ownName, anyHost = false, trustedProxies = 0, front = () => false }: GatewayOptions = {},
): Server {
  const match = matcher(table);
  const fallback = table.find(({ path }) => path === anythingElse);
  const server = createServer((request, response) => {
    if (front(request, response)) return;
    const startedAt = performance.now();
    const path = (request.url ?? '/').split('?', 1)[0] ?? '/';
    response.on('close', () =>
      onDone({
        method: request.method ?? '',
        path,
        status: response.writableFinished ? response.statusCode : 499,
        milliseconds: performance.now() - startedAt,
      }),
    );
    if (!anyHost && !namesThisMachine(request.headers.host, ownName)) {
      const names = 'This server is for programs on this machine. Call it as localhost, or set HOST to its name.';
      return refuse(response, 'bad-request', path, {}, names);
    }
    answer(request, response, { match, fallback, trustedProxies }, invoke).catch((error: unknown) => {
      if (error instanceof QueueFull) return refuse(response, 'unavailable', path, { 'retry-after': '5' });
      process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
      refuse(response, 'internal', path);
    });
  });
  server.keepAliveTimeout = 65_000;
  server.requestTimeout = 30_000;
  return server;
}

async function answer<R extends Row>(
  request: IncomingMessage,
  response: ServerResponse,
  { match, fallback, trustedProxies }: { match: Matcher<R>; fallback: R | undefined; trustedProxies: number },
  invoke: Invoke<R>,
): Promise<void> {
  const url = toUrl(request.url ?? '/');
  if (url === undefined) return refuse(response, 'bad-request', request.url ?? '');
  const method = request.method === 'HEAD' ? 'GET' : (request.method ?? 'GET');
  const matched = match(method, url.pathname);
  // A handler does not know the routes that this gateway adds.
  if (matched !== undefined && 'allow' in matched && method !== 'OPTIONS') {
    return refuse(response, 'method-not-allowed', url.pathname, { allow: matched.allow.join(', ') });
  }
  const found =
    matched !== undefined && 'route' in matched ? matched : fallback && { route: fallback, pathParameters: {} };
  if (found === undefined) return refuse(response, 'route-not-found', url.pathname);

  const body = await readBody(request);
  if (body === undefined) return refuse(response, 'body-too-large', url.pathname, { connection: 'close' });
  const result = await invoke(
    found.route,
    toEvent(request, url, found, { body, sourceIp: sourceIpOf(request, trustedProxies) }),
  );
  send(response, result, request.method === 'HEAD');
}

/** Also takes a path that begins with two slashes. Undefined when the target is not valid (RFC 9112 §3.2). */
const toUrl = (target: string): URL | undefined =>
  URL.parse(target.startsWith('/') ? `http://gateway${target}` : target) ?? undefined;

function send(response: ServerResponse, result: Awaited<ReturnType<Invoke<Row>>>, head: boolean) {
  const {
    statusCode = 200,
    headers = {},
    cookies,
    body = '',
    isBase64Encoded = false,
  } = typeof result === 'object' ? result : { body: result ?? '' };
  const bytes = Buffer.from(body, isBase64Encoded ? 'base64' : 'utf8');
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, String(value));
  if (cookies !== undefined) response.setHeader('set-cookie', cookies);
  if (statusCode !== 204 && statusCode !== 304) response.setHeader('content-length', bytes.length);
  response.writeHead(statusCode).end(head ? undefined : bytes);
}

/** Sends a problem for a request that API Gateway itself would refuse. */
function refuse(
  response: ServerResponse,
  code: ProblemCode,
  instance: string,
  headers: Record<string, string> = {},
  detail = '',
): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const { statusCode, body, headers: own } = problemAnswer(new Problem(code, detail, { headers }), instance);
  response.writeHead(statusCode, own).end(body);
}

/** The answer of RFC 9457 to a problem that occurs before a handler runs. */
export function problemAnswer({ code, message, errors, headers }: Problem, instance: string) {
  const { status, title } = problems[code];
  const requestId = `req_${randomUUID().replaceAll('-', '')}`;
  const detail = message === '' ? {} : { detail: message };
  const body = { type: `${problemTypeBase}${code}`, title, status, ...detail, instance, code, requestId, errors };
  return {
    statusCode: status,
    headers: { 'content-type': 'application/problem+json', 'x-request-id': requestId, ...headers },
    body: JSON.stringify(body),
  };
}

/**
 * What is too large is read to its end and dropped: a client that still sends would see a broken connection instead of the
 * answer. A client that goes on and on is cut off.
 */
async function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size <= largestBody) chunks.push(chunk);
    else if (size > 10 * largestBody) return undefined;
  }
  return size > largestBody ? undefined : Buffer.concat(chunks);
}

const textual = /^(text\/|application\/(json|[a-z.+-]+\+json|javascript|xml|[a-z.+-]+\+xml))/i;

/** The address of a client: the one that the outermost of the trusted proxies saw. */
function sourceIpOf(request: IncomingMessage, trustedProxies: number): string {
  const forwarded = [request.headers['x-forwarded-for'] ?? ''].flat().join(',').split(',');
  const seen = trustedProxies === 0 ? '' : (forwarded.at(-trustedProxies) ?? '').trim();
  return (isIP(seen) === 0 ? (request.socket.remoteAddress ?? '') : seen).replace(/^::ffff:/, '');
}

function toEvent(
  request: IncomingMessage,
  url: URL,
  found: Found<Row>,
  { body, sourceIp }: { body: Buffer; sourceIp: string },
): APIGatewayProxyEventV2 {
  const { route, pathParameters } = found;
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(request.headers)) {
    headers[name] = Array.isArray(value) ? value.join(',') : (value ?? '');
  }
  // The API's own page asks from the API's own origin, which needs no CORS.
  if (headers.origin === `http://${headers.host}`) delete headers.origin;
  const query = new Map<string, string>();
  for (const [name, value] of url.searchParams) {
    const before = query.get(name);
    query.set(name, before === undefined ? value : `${before},${value}`);
  }
  const now = clock.now();
  const isText = textual.test(headers['content-type'] ?? '') && isUtf8(body);
  const isBase64Encoded = body.length > 0 && !isText;
  return {
    version: '2.0',
    routeKey: routeKeyOf(route),
    rawPath: url.pathname,
    rawQueryString: url.search.slice(1),
    headers,
    ...(url.search === '' ? {} : { queryStringParameters: Object.fromEntries(query) }),
    ...(Object.keys(pathParameters).length === 0 ? {} : { pathParameters }),
    requestContext: {
      accountId: '000000000000',
      apiId: 'local',
      domainName: 'localhost',
      domainPrefix: 'localhost',
      http: {
        method: request.method === 'HEAD' ? 'GET' : (request.method ?? 'GET'),
        path: url.pathname,
        protocol: `HTTP/${request.httpVersion}`,
        sourceIp,
        userAgent: headers['user-agent'] ?? '',
      },
      requestId: `req_${randomUUID().replaceAll('-', '')}`,
      routeKey: routeKeyOf(route),
      stage: '$default',
      time: new Date(now).toUTCString(),
      timeEpoch: now,
    },
    ...(body.length === 0 ? {} : { body: body.toString(isBase64Encoded ? 'base64' : 'utf8') }),
    isBase64Encoded,
  };
}

const routeKeyOf = ({ method, path }: Row): string => (path === anythingElse ? path : `${method} ${path}`);
