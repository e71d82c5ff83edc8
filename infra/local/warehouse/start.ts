import { createServer, type IncomingMessage } from 'node:http';
import { json } from 'node:stream/consumers';
import type { openWarehouse } from '../../warehouse/open.ts';
import { forThisMachine, listenOn, portOf } from '../loopback.ts';
import type { Answer, answerS3 } from '../s3/answer.ts';
import type { createAthena } from './athena.ts';

export type LocalWarehouse = { url: string; stop(): Promise<void> };

/** The Glue database of the laptop. */
export const localDatabase = 'counterfoil';

type Parts = {
  warehouse: ReturnType<typeof openWarehouse>;
  s3: (request: IncomingMessage) => ReturnType<typeof answerS3>;
  athena: ReturnType<typeof createAthena>;
};

/**
 * Stands in for S3 and Athena over the warehouse in a folder, on 127.0.0.1. DuckDB runs here and not in a function. All of it is
 * loaded when a report or a load asks for it.
 */
export async function startWarehouse(root: string): Promise<LocalWarehouse> {
  let opened: Promise<Parts> | undefined;
  const open = () => (opened ??= openParts(root));
  const answer = async (request: IncomingMessage): Promise<Answer> => {
    const { s3, athena } = await open();
    const [service, operation] = String(request.headers['x-amz-target'] ?? '').split('.');
    if (service !== 'AmazonAthena') return s3(request);
    const { status, body } = await athena.call(operation ?? '', (await json(request)) as never);
    return { status, headers: { 'content-type': 'application/x-amz-json-1.1' }, body: JSON.stringify(body) };
  };
  const server = createServer(
    forThisMachine(async (request, response) => {
      const { status, headers, body } = await answer(request).catch(
        (error: unknown): Answer => ({ status: 500, body: String(error) }),
      );
      response.writeHead(status, headers).end(request.method === 'HEAD' ? undefined : body);
    }),
  );
  await listenOn('127.0.0.1', 0, server);
  return {
    url: `http://127.0.0.1:${portOf(server)}`,
    async stop() {
      server.close();
      server.closeAllConnections();
      (await opened)?.warehouse.close();
    },
  };
}

async function openParts(root: string): Promise<Parts> {
  const [{ openWarehouse }, { diskStore }, { answerS3 }, { createAthena }] = await Promise.all([
    import('../../warehouse/open.ts'),
    import('../../warehouse/disk-store.ts'),
    import('../s3/answer.ts'),
    import('./athena.ts'),
  ]);
  const warehouse = openWarehouse(root, localDatabase);
  const store = diskStore(root);
  return { warehouse, s3: (request) => answerS3(store, request), athena: createAthena(warehouse) };
}
