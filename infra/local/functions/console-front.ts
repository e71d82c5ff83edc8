import { type IncomingMessage, type ServerResponse, request as send } from 'node:http';
import { isLoopback, namesLoopback } from '../loopback.ts';
import type { Front } from './gateway.ts';

/**
 * Passes what is below `/console`, and `/metrics`, on to the thread of the console, for programs on this machine alone: to others there is no
 * console. The `Host` must name this machine too, so that a page of another site cannot read it by DNS rebinding.
 * @param open gives the socket that the console listens on
 */
export function consoleFront(open: () => Promise<string>): Front {
  return (request, response) => {
    const [path] = (request.url ?? '').split('?', 1);
    const isMetrics = path === '/metrics';
    if (!isMetrics && path !== '/console' && !path?.startsWith('/console/')) return false;
    if (!isLoopback(request.socket.remoteAddress) || !namesLoopback(request.headers.host)) return false;
    open().then(
      (socket) => passOn(socket, isMetrics ? '/console/metrics' : request.url, request, response),
      (error: unknown) => refuse(response, `The console cannot be opened: ${String(error)}`),
    );
    return true;
  };
}

function passOn(
  socketPath: string,
  path: string | undefined,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const { method, headers } = request;
  const passed = send({ socketPath, method, path, headers, agent: false }, (answer) => {
    // The connection that ends is the one to the console. The browser keeps its own, for the modules that it asks for next.
    const { connection: _, ...fields } = answer.headers;
    response.writeHead(answer.statusCode ?? 502, fields);
    answer.pipe(response);
    answer.on('error', () => response.destroy());
  });
  passed.on('error', (error) => refuse(response, `The console does not answer: ${error.message}`));
  response.on('close', () => passed.destroy());
  request.pipe(passed);
}

function refuse(response: ServerResponse, why: string): void {
  if (response.headersSent) return void response.destroy();
  response.writeHead(503, { 'content-type': 'text/plain; charset=utf-8', 'retry-after': '1' }).end(`${why}\n`);
}
