import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { forThisMachine } from '../loopback.ts';
import { type Answer, ApiError, type Input } from './dynalite.ts';

const maxBytes = 16 * 1024 * 1024;
const target = /^DynamoDB_20120810\.(\w+)$/;

/**
 * The HTTP server of the local DynamoDB: JSON in, JSON out, errors as AWS words them. It checks no signatures.
 * @param isAway whether requests get no answer but a reset connection
 */
export function createHttpFront(
  handle: (operation: string, input: Input) => Promise<Answer>,
  isAway: () => boolean = () => false,
): Server {
  const receive: RequestListener = (request, response) => {
    if (isAway()) return void request.socket.resetAndDestroy();
    const chunks: Buffer[] = [];
    let bytes = 0;
    request.on('error', () => {});
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= maxBytes) chunks.push(chunk);
      else chunks.length = 0;
    });
    request.on('end', () => void respond(request, response, bytes > maxBytes ? undefined : Buffer.concat(chunks)));
  };
  const server = createServer(forThisMachine(receive));
  // Longer than clients keep an idle connection, so that none is closed under their next request.
  server.keepAliveTimeout = 75_000;
  return server;

  async function respond(request: IncomingMessage, response: ServerResponse, body: Buffer | undefined): Promise<void> {
    try {
      send(response, 200, await answer(request, body));
    } catch (error) {
      if (error instanceof ApiError) return send(response, error.status, error.body);
      const { status, body: failure } = new ApiError(
        'InternalServerError',
        `The local DynamoDB failed: ${error}`,
        {},
        500,
      );
      send(response, status, failure);
    }
  }

  async function answer({ headers, method }: IncomingMessage, body: Buffer | undefined): Promise<Answer> {
    if (method === 'GET') return { status: 'healthy' };
    if (!body) throw new ApiError('RequestEntityTooLarge', 'The request is over 16 MB', {}, 413);
    const operation = target.exec(String(headers['x-amz-target']))?.[1];
    if (!operation) throw new ApiError('UnknownOperationException', '');
    if (!headers.authorization?.startsWith('AWS4-'))
      throw new ApiError('MissingAuthenticationTokenException', 'Request is missing Authentication Token');
    return handle(operation, parse(body));
  }
}

function parse(body: Buffer): Input {
  try {
    const input: unknown = JSON.parse(body.toString());
    if (typeof input === 'object' && input !== null && !Array.isArray(input)) return input as Input;
  } catch {}
  throw new ApiError('SerializationException', 'The body is not a JSON object');
}

function send(response: ServerResponse, status: number, answer: Answer): void {
  const body = JSON.stringify(answer);
  response.writeHead(status, {
    'content-type': 'application/x-amz-json-1.0',
    'content-length': Buffer.byteLength(body),
    'x-amzn-requestid': randomUUID(),
  });
  response.end(body);
}
