import type { IncomingMessage, ServerResponse } from 'node:http';

/**
 * Answers the probes of an orchestrator: `/livez` while the process answers at all, `/readyz` while it can do its work.
 * @returns whether the request was one of them
 */
export function answersProbe(request: IncomingMessage, response: ServerResponse, isReady: () => boolean): boolean {
  if (request.url !== '/livez' && request.url !== '/readyz') return false;
  const ok = request.url === '/livez' || isReady();
  response.writeHead(ok ? 200 : 503, { 'content-type': 'text/plain', 'cache-control': 'no-store' });
  response.end(ok ? 'ok\n' : 'not ready\n');
  return true;
}
