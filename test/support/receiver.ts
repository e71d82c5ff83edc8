import { createServer, type IncomingHttpHeaders } from 'node:http';
import { listenOn, portOf } from '../../infra/local/loopback.ts';

export type Received = { headers: IncomingHttpHeaders; body: string; at: number };
/** What a webhook brings, as far as tests look at it. */
type ReceivedEvent = { id: string; type: string; aggregateId: string; sequence: number };
type Answer = { status: number; body?: string; headers?: Record<string, string> } | 'hang' | 'reset';

/** A receiver of webhooks. `answer` says what it does with a request; by default it takes everything. */
export async function startReceiver(answer: (request: Received) => Answer | Promise<Answer> = () => ({ status: 204 })) {
  const received: Received[] = [];
  let behave = answer;
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const got = { headers: request.headers, body: Buffer.concat(chunks).toString(), at: Date.now() };
    received.push(got);
    const what = await behave(got);
    if (what === 'hang') return;
    if (what === 'reset') return void request.socket.destroy();
    response.writeHead(what.status, what.headers).end(what.body ?? '');
  });
  await listenOn('127.0.0.1', 0, server);
  return {
    url: `http://127.0.0.1:${portOf(server)}/hook`,
    received,
    events: () => received.map(({ body }) => JSON.parse(body) as ReceivedEvent),
    behave(next: (request: Received) => Answer | Promise<Answer>) {
      behave = next;
    },
    async stop() {
      server.close();
      server.closeAllConnections();
    },
  };
}

export type Receiver = Awaited<ReturnType<typeof startReceiver>>;
