import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { Problem, type ProblemCode } from '../../../lib/contract/problems.ts';
import { clock } from '../../../lib/platform/clock.ts';
import { problemAnswer } from './problem-answer.ts';

/** As API Gateway takes at most. */
const largestBody = 10 * 1024 * 1024;

/** What the gateway knows of an operation. */
export type Row = { method: string; path: string };

export type Invoke<R extends Row> = (
  route: R,
  event: APIGatewayProxyEventV2,
) => Promise<APIGatewayProxyStructuredResultV2 | string | undefined>;

/**
 * API Gateway (HTTP API) on a laptop: node:http in, payload format 2.0 to the door that the table names, and its answer
 * out. https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
 */
export function createGateway<R extends Row>(
  table: readonly R[],
  invoke: Invoke<R>,
  onDone: (line: { method: string; path: string; status: number; milliseconds: number }) => void,
): Server {
  const match = matcher(table);
  const server = createServer((request, response) => {
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
    answer(request, response, match, invoke).catch((error: unknown) => {
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
  match: Matcher<R>,
  invoke: Invoke<R>,
): Promise<void> {
  const url = toUrl(request.url ?? '/');
  if (url === undefined) return refuse(response, 'bad-request', request.url ?? '');
  const method = request.method === 'HEAD' ? 'GET' : (request.method ?? 'GET');
  const found = match(method, url.pathname);
  if (found === undefined) return refuse(response, 'route-not-found', url.pathname);
  if ('allow' in found) return refuse(response, 'method-not-allowed', url.pathname, { allow: found.allow.join(', ') });

  const body = await readBody(request);
  if (body === undefined) return refuse(response, 'body-too-large', url.pathname, { connection: 'close' });
  const result = await invoke(found.route, toEvent(request, url, found, body));
  send(response, result, request.method === 'HEAD');
}

/** A path that begins with two slashes is a path all the same. Undefined when the target is none (RFC 9112 §3.2). */
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

/** What API Gateway itself would refuse, in the words of the API. */
function refuse(
  response: ServerResponse,
  code: ProblemCode,
  instance: string,
  headers: Record<string, string> = {},
): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const { statusCode, body, headers: own } = problemAnswer(new Problem(code, '', { headers }), instance);
  response.writeHead(statusCode, own).end(body);
}

async function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > largestBody) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

const textual = /^(text\/|application\/(json|[a-z.+-]+\+json|javascript|xml|[a-z.+-]+\+xml))/i;

function toEvent(request: IncomingMessage, url: URL, found: Found<Row>, body: Buffer): APIGatewayProxyEventV2 {
  const { route, pathParameters } = found;
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(request.headers)) {
    headers[name] = Array.isArray(value) ? value.join(',') : (value ?? '');
  }
  const query = new Map<string, string>();
  for (const [name, value] of url.searchParams) {
    const before = query.get(name);
    query.set(name, before === undefined ? value : `${before},${value}`);
  }
  const now = clock.now();
  const isBase64Encoded = body.length > 0 && !textual.test(headers['content-type'] ?? '');
  return {
    version: '2.0',
    routeKey: `${route.method} ${route.path}`,
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
        method: route.method,
        path: url.pathname,
        protocol: `HTTP/${request.httpVersion}`,
        sourceIp: (request.socket.remoteAddress ?? '').replace(/^::ffff:/, ''),
        userAgent: headers['user-agent'] ?? '',
      },
      requestId: `req_${randomUUID().replaceAll('-', '')}`,
      routeKey: `${route.method} ${route.path}`,
      stage: '$default',
      time: new Date(now).toUTCString(),
      timeEpoch: now,
    },
    ...(body.length === 0 ? {} : { body: body.toString(isBase64Encoded ? 'base64' : 'utf8') }),
    isBase64Encoded,
  };
}

type Found<R> = { route: R; pathParameters: Record<string, string> };
type Matcher<R> = (method: string, path: string) => Found<R> | { allow: string[] } | undefined;

/** A literal segment goes before a parameter, as in API Gateway. */
function matcher<R extends Row>(table: readonly R[]): Matcher<R> {
  const parsed = table
    .map((route) => ({ route, segments: route.path.split('/').slice(1) }))
    .sort((a, b) => parameters(a.segments) - parameters(b.segments));
  return (method, path) => {
    const parts = path.split('/').slice(1);
    const fitting = parsed.filter(({ segments }) => fits(segments, parts));
    const chosen = fitting.find(({ route }) => route.method === method);
    if (chosen === undefined) {
      return fitting.length === 0 ? undefined : { allow: [...new Set(fitting.map(({ route }) => route.method))] };
    }
    const pathParameters: Record<string, string> = {};
    chosen.segments.forEach((segment, i) => {
      if (isParameter(segment)) pathParameters[segment.slice(1, -1)] = decode(parts[i] ?? '');
    });
    return { route: chosen.route, pathParameters };
  };
}

const isParameter = (segment: string): boolean => segment.startsWith('{');
const parameters = (segments: string[]): number => segments.filter(isParameter).length;
const fits = (segments: string[], parts: string[]): boolean =>
  segments.length === parts.length &&
  segments.every((segment, i) => (isParameter(segment) ? parts[i] !== '' : segment === parts[i]));

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
