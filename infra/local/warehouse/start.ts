import { createServer, type IncomingMessage } from 'node:http';
import { json } from 'node:stream/consumers';
import { HistoryBroken } from '../../../lib/analytics/history.ts';
import type { openWarehouse } from '../../warehouse/open.ts';
import { forThisMachine, listenOn, portOf } from '../loopback.ts';

export type LocalWarehouse = { url: string; stop(): Promise<void> };

type Question = { number: number; text: string; parameters: string[] };

/**
 * Answers the functions' questions to the warehouse in a folder, on 127.0.0.1. DuckDB runs here and not in a function, and is
 * loaded when a report asks for history that there is.
 */
export async function startWarehouse(root: string): Promise<LocalWarehouse> {
  let opened: Promise<ReturnType<typeof openWarehouse>> | undefined;
  const open = () => (opened ??= import('../../warehouse/open.ts').then((module) => module.openWarehouse(root)));
  const answer = async (request: IncomingMessage): Promise<{ status: number; body: object }> => {
    try {
      const { newest, query } = await open();
      const { number, text, parameters } = (await json(request)) as Question;
      if (request.url === '/newest') return { status: 200, body: { result: (await newest()) ?? null } };
      return { status: 200, body: { result: await query({ number } as never, { text, parameters }) } };
    } catch (error) {
      if (error instanceof HistoryBroken) return { status: 422, body: { broken: error.message } };
      return { status: 500, body: { error: String(error) } };
    }
  };
  const server = createServer(
    forThisMachine(async (request, response) => {
      const { status, body } = await answer(request);
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    }),
  );
  await listenOn('127.0.0.1', 0, server);
  return {
    url: `http://127.0.0.1:${portOf(server)}`,
    async stop() {
      server.close();
      server.closeAllConnections();
      (await opened)?.close();
    },
  };
}
