import type { Server } from 'node:http';
import { enableCompileCache } from 'node:module';
import type { AddressInfo } from 'node:net';
import { parentPort, workerData } from 'node:worker_threads';
import type { Context } from 'aws-lambda';
import { routes } from '../../../functions/routes.ts';
import { Problem } from '../../../lib/contract/api/problems.ts';
import type { Route } from '../../../lib/contract/deploy/route.ts';
import { useAccessSink } from '../../../lib/platform/access-log.ts';
import { useClock } from '../../../lib/platform/clock.ts';
import { useMailer } from '../../../lib/platform/mailer.ts';
import { createClock } from '../clock.ts';
import { type Reading, readingOf } from '../test-clock.ts';
import { createGateway } from './gateway.ts';
import type { FromHost, HostData, ToHost } from './protocol.ts';
import { type OwnRoute, testClockRoutes } from './test-clock-routes.ts';

/*
 * The thread that stands for Lambda: its environment variables are the functions' own, what they print is caught by the
 * supervising thread, and a handler is imported when it is first called, as a cold start would.
 */

// Compiled modules are kept beside the data, which halves what a start costs.
enableCompileCache(process.env.COMPILE_CACHE);

type Handler = (event: unknown, context: Context) => Promise<unknown>;

const port = parentPort!;
const say = (message: FromHost): void => port.postMessage(message);
let gateway: Server | undefined;

const clock = createClock(workerData as HostData);
useClock(clock);
useMailer({ send: async (mail) => say({ kind: 'mail', mail }) });
// Not by standard output, of which a thread that is killed takes the last lines with it.
useAccessSink((line) => say({ kind: 'access', line }));

port.on('message', (message: ToHost) => {
  switch (message.kind) {
    case 'invoke':
      void invokeFor(message);
      break;
    case 'listen':
      listen(message.port);
      break;
    case 'clock':
      clock.advance(message.ahead - clock.ahead);
      say({ kind: 'clock-set' });
      break;
    case 'advanced':
      take(message.id)?.resolve(message.reading);
      break;
    case 'not-advanced':
      take(message.id)?.reject(toError(message.error));
      break;
    case 'stop':
      gateway?.close();
      gateway?.closeAllConnections();
      port.close();
      break;
  }
});

async function invokeFor({ id, handler, payload, timeoutSeconds }: Extract<ToHost, { kind: 'invoke' }>): Promise<void> {
  try {
    const result = await invoke(handler, JSON.parse(payload), timeoutSeconds);
    say({ kind: 'invoked', id, result: JSON.stringify(result ?? null) });
  } catch (thrown) {
    const error = thrown instanceof Error ? thrown : new Error(String(thrown));
    say({ kind: 'failed', id, error: { name: error.name, message: error.message, stack: error.stack } });
  }
}

function listen(on: number): void {
  const own = testClockRoutes({ read: () => readingOf(clock), advance });
  const server = createGateway<Route | OwnRoute>(
    [...Object.values(routes), ...own],
    async (route, event) =>
      'answer' in route ? route.answer(event) : ((await invoke(route.handler, event, route.waits ? 29 : 10)) as never),
    (line) => say({ kind: 'request', ...line }),
  );
  gateway = server;
  server.once('error', (error: NodeJS.ErrnoException) =>
    say({ kind: 'not-listening', code: error.code ?? '', message: error.message }),
  );
  server.listen(on, () => say({ kind: 'listening', port: (server.address() as AddressInfo).port }));
}

const moves = new Map<number, PromiseWithResolvers<Reading>>();
let lastMove = 0;

/** The clock is the whole stack's: this thread only asks for it to be moved. */
function advance(seconds: number): Promise<Reading> {
  const id = ++lastMove;
  const move = Promise.withResolvers<Reading>();
  moves.set(id, move);
  say({ kind: 'advance', id, seconds });
  return move.promise;
}

function take(id: number): PromiseWithResolvers<Reading> | undefined {
  const move = moves.get(id);
  moves.delete(id);
  return move;
}

const toError = ({ name, message }: { name: string; message: string }): Error =>
  name === 'JobsStillRunning' ? new Problem('unavailable', message) : new Error(message);

const handlers = new Map<string, Promise<Handler>>();

/** Runs one handler as Lambda would run its function. */
async function invoke(handler: string, event: unknown, timeoutSeconds: number): Promise<unknown> {
  let loaded = handlers.get(handler);
  if (loaded === undefined) {
    loaded = import(new URL(`../../../functions/${handler}.ts`, import.meta.url).href).then((module) => module.handler);
    handlers.set(handler, loaded);
    loaded.catch(() => handlers.delete(handler));
  }
  // Lambda's own clock, which nobody moves: how long a function may still run.
  const endsAt = Date.now() + timeoutSeconds * 1000;
  const context = {
    functionName: handler,
    awsRequestId: crypto.randomUUID(),
    getRemainingTimeInMillis: () => endsAt - Date.now(),
  };
  return (await loaded)(event, context as unknown as Context);
}
