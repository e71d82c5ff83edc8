import type { Server } from 'node:http';
import { enableCompileCache } from 'node:module';
import type { AddressInfo } from 'node:net';
import { parentPort } from 'node:worker_threads';
import type { Context } from 'aws-lambda';
import { routes } from '../../../functions/routes.ts';
import { createGateway } from './gateway.ts';
import type { FromHost, ToHost } from './protocol.ts';

/*
 * The thread that stands for Lambda: its environment variables are the functions' own, what they print is caught by the
 * supervising thread, and a door is imported when it is first called, as a cold start would.
 */

// Compiled modules are kept beside the data, which halves what a start costs.
enableCompileCache(process.env.COMPILE_CACHE);

type Handler = (event: unknown, context: Context) => Promise<unknown>;

const port = parentPort!;
const say = (message: FromHost): void => port.postMessage(message);
let gateway: Server | undefined;

port.on('message', (message: ToHost) => {
  switch (message.kind) {
    case 'invoke':
      void invokeFor(message);
      break;
    case 'listen':
      listen(message.port);
      break;
    case 'stop':
      gateway?.close();
      gateway?.closeAllConnections();
      port.close();
      break;
  }
});

async function invokeFor({ id, door, payload, timeoutSeconds }: Extract<ToHost, { kind: 'invoke' }>): Promise<void> {
  try {
    const result = await invoke(door, JSON.parse(payload), timeoutSeconds);
    say({ kind: 'invoked', id, result: JSON.stringify(result ?? null) });
  } catch (thrown) {
    const error = thrown instanceof Error ? thrown : new Error(String(thrown));
    say({ kind: 'failed', id, error: { name: error.name, message: error.message, stack: error.stack } });
  }
}

function listen(on: number): void {
  const invokeRoute = async (route: (typeof routes)[keyof typeof routes], event: unknown) =>
    (await invoke(route.door, event, route.waits ? 29 : 10)) as never;
  const server = createGateway(Object.values(routes), invokeRoute as never, (line) =>
    say({ kind: 'request', ...line }),
  );
  gateway = server;
  server.once('error', (error: NodeJS.ErrnoException) =>
    say({ kind: 'not-listening', code: error.code ?? '', message: error.message }),
  );
  server.listen(on, () => say({ kind: 'listening', port: (server.address() as AddressInfo).port }));
}

const handlers = new Map<string, Promise<Handler>>();

/** Runs one door as Lambda would run its function. */
async function invoke(door: string, event: unknown, timeoutSeconds: number): Promise<unknown> {
  let handler = handlers.get(door);
  if (handler === undefined) {
    handler = import(new URL(`../../../functions/${door}.ts`, import.meta.url).href).then((module) => module.handler);
    handlers.set(door, handler);
    handler.catch(() => handlers.delete(door));
  }
  const endsAt = Date.now() + timeoutSeconds * 1000;
  const context = {
    functionName: door,
    awsRequestId: crypto.randomUUID(),
    getRemainingTimeInMillis: () => endsAt - Date.now(),
  };
  return (await handler)(event, context as unknown as Context);
}
