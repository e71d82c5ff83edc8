import * as http from 'node:http';
import * as https from 'node:https';
import { urlToHttpOptions } from 'node:url';

export type Answer = { status: number; headers: http.IncomingHttpHeaders; text: string };

export type Post = (asked: {
  headers: http.OutgoingHttpHeaders;
  body: string;
  signal?: AbortSignal;
}) => Promise<Answer>;

/** Nothing came in time. Named as in the SDK. */
class TimeoutError extends Error {
  override readonly name = 'TimeoutError';
}

/** As many connections as the SDK keeps. */
const mostConnections = 50;

/** How long a new connection may take, and how long the answer may take to begin and then each pause in it, in milliseconds. */
export type Timeouts = { connectMs: number; answerMs: number };

/**
 * Posts to an endpoint over connections that stay open.
 * @throws from each post: TimeoutError, AbortError, or an error of Node with a code
 */
export function poster(endpoint: URL, timeouts: Timeouts): Post {
  const { request, Agent } = endpoint.protocol === 'https:' ? https : http;
  const agent = new Agent({ keepAlive: true, maxSockets: mostConnections });
  const target = { ...urlToHttpOptions(endpoint), agent, method: 'POST' };

  return ({ headers, body, signal }) =>
    new Promise((resolve, reject) => {
      const sent = request({ ...target, headers, ...(signal === undefined ? {} : { signal }) });
      const endAfter = (ms: number, what: string) =>
        setTimeout(() => sent.destroy(new TimeoutError(`${endpoint.host} did not ${what} in ${ms} ms`)), ms);
      const answering = endAfter(timeouts.answerMs, 'answer');
      let connecting: NodeJS.Timeout | undefined;
      sent.once('socket', (socket) => {
        if (!socket.connecting) return;
        connecting = endAfter(timeouts.connectMs, 'accept a connection');
        socket.once('connect', () => clearTimeout(connecting));
      });
      sent.once('response', (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          text += chunk;
          answering.refresh();
        });
        response.once('error', reject);
        response.once('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }));
      });
      sent.once('error', (error) => {
        // The peer has closed one idle connection, so it has closed others too. A caller that gives up says nothing of it.
        if (sent.reusedSocket && error.name !== 'AbortError')
          for (const idle of Object.values(agent.freeSockets).flat()) idle?.destroy();
        reject(Object.assign(error, { reusedConnection: sent.reusedSocket }));
      });
      sent.once('close', () => {
        clearTimeout(answering);
        clearTimeout(connecting);
      });
      sent.end(body);
    });
}
