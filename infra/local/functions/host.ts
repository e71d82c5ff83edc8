import { appendFileSync } from 'node:fs';
import type { Server } from 'node:http';
import { enableCompileCache } from 'node:module';
import { parentPort, workerData } from 'node:worker_threads';
import type { Context } from 'aws-lambda';
import { routes } from '../../../functions/routes.ts';
import { Problem } from '../../../lib/contract/api/problems.ts';
import type { Route } from '../../../lib/contract/deploy/route.ts';
import { useAccessSink } from '../../../lib/platform/access-log.ts';
import { useClock } from '../../../lib/platform/clock.ts';
import { useMailer } from '../../../lib/platform/mailer.ts';
import { createClock } from '../clock.ts';
import { listenOn, listenOnLoopback, portOf } from '../loopback.ts';
import { type Reading, readingOf } from '../test-clock.ts';
import { consoleFront } from './console-front.ts';
import { docsRoutes } from './docs-routes.ts';
import { createGateway } from './gateway.ts';
import { pageRoutes } from './page-routes.ts';
import type { FromHost, HostData, ToHost } from './protocol.ts';
import { boundedQueue } from './queue.ts';
import { type OwnRoute, testClockRoutes } from './test-clock-routes.ts';

/*
 * The thread that stands for Lambda. Its environment variables are those of the functions, the supervising thread collects
 * what they print, and a handler is imported when it is first called, as in a cold start.
 */

// Compiled modules are kept beside the data, which halves the time of a start.
enableCompileCache(process.env.COMPILE_CACHE);

const data = workerData as HostData;

// What handlers print goes to the file at the end of the turn. The stream of a worker costs both threads several times as much.
let printed = '';
process.stdout._write = (chunk: string | Uint8Array, _encoding, done) => {
  if (printed === '') setImmediate(flush);
  printed += chunk.toString();
  done();
};

function flush(): void {
  appendFileSync(data.logFile, printed);
  printed = '';
}

type Handler = (event: unknown, context: Context) => Promise<unknown>;

const supervisor = parentPort!;
const post = (message: FromHost): void => supervisor.postMessage(message);
let gateways: Server[] = [];

const clock = createClock(data);
useClock(clock);
useMailer({ send: async (mail) => post({ kind: 'mail', mail }) });
// Not by standard output: a killed thread loses its last lines.
useAccessSink((line) => post({ kind: 'access', line }));

const recorded: <T>(handler: string, run: () => Promise<T>) => Promise<T> =
  data.callsFile === undefined
    ? (_, run) => run()
    : await import('./calls.ts').then(({ recordCalls }) => recordCalls(data.callsFile!));

type Traced = <T>(handler: string, event: unknown, run: () => Promise<T>) => Promise<T>;
let traced: Promise<Traced> | undefined;
const trace = () =>
  import('./trace.ts').then(({ traceCalls }) => traceCalls((made) => post({ kind: 'traced', trace: made })));

supervisor.on('message', (message: ToHost) => {
  switch (message.kind) {
    case 'invoke':
      void invokeFor(message);
      break;
    case 'listen':
      void listen(message);
      break;
    case 'clock':
      clock.advance(message.ahead - clock.ahead);
      post({ kind: 'clock-set' });
      break;
    case 'advanced':
      take(message.id)?.resolve(message.reading);
      break;
    case 'not-advanced':
      take(message.id)?.reject(toError(message.error));
      break;
    case 'console':
      if (message.socket === undefined) opening?.reject(new Error(message.error));
      else opening?.resolve(message.socket);
      opening = undefined;
      break;
    case 'trace':
      traced ??= trace();
      break;
    case 'stop':
      for (const gateway of gateways) {
        gateway.close();
        gateway.closeAllConnections();
      }
      supervisor.close();
      break;
  }
});

async function invokeFor({ id, handler, payload, timeoutSeconds }: Extract<ToHost, { kind: 'invoke' }>): Promise<void> {
  try {
    const result = await invoke(handler, JSON.parse(payload), timeoutSeconds);
    post({ kind: 'invoked', id, result: JSON.stringify(result ?? null) });
  } catch (thrown) {
    const error = thrown instanceof Error ? thrown : new Error(String(thrown));
    post({ kind: 'failed', id, error: { name: error.name, message: error.message, stack: error.stack } });
  }
}

async function listen({ port, host, demoFile }: Extract<ToHost, { kind: 'listen' }>): Promise<void> {
  const own = [...testClockRoutes({ read: () => readingOf(clock), advance }), ...docsRoutes(demoFile), ...pageRoutes()];
  const front = consoleFront(openConsole);
  const open = () =>
    createGateway<Route | OwnRoute>(
      [...Object.values(routes), ...own],
      async (route, event) =>
        'answer' in route
          ? route.answer(event)
          : ((await queue(() => invoke(route.handler, event, route.waits ? 29 : 10))) as never),
      (line) => post({ kind: 'request', ...line }),
      { ownName: host, front },
    );
  try {
    gateways = host === undefined ? await listenOnLoopback(port, open) : [await listenOn(host, port, open())];
    post({ kind: 'listening', port: portOf(gateways[0]!) });
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    post({ kind: 'not-listening', code, message });
  }
}

let opening: PromiseWithResolvers<string> | undefined;

/** The console has a thread of its own, which the supervising thread starts when it is opened. @returns its socket */
function openConsole(): Promise<string> {
  if (opening === undefined) {
    opening = Promise.withResolvers();
    post({ kind: 'console' });
  }
  return opening.promise;
}

/** A laptop does no more in a second with more requests at once. Each would only wait longer and ask more often. */
const queue = boundedQueue({ atOnce: 24, mostWaiting: 2000, holdMs: 1000 });

const moves = new Map<number, PromiseWithResolvers<Reading>>();
let lastMove = 0;

/** The clock belongs to the whole stack: the supervising thread moves it. */
function advance(seconds: number): Promise<Reading> {
  const id = ++lastMove;
  const move = Promise.withResolvers<Reading>();
  moves.set(id, move);
  post({ kind: 'advance', id, seconds });
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

async function invoke(handler: string, event: unknown, timeoutSeconds: number): Promise<unknown> {
  if (!data.measures) return await run(handler, event, timeoutSeconds);
  const startedAt = performance.now();
  const before = process.threadCpuUsage();
  try {
    return await run(handler, event, timeoutSeconds);
  } finally {
    const { user, system } = process.threadCpuUsage(before);
    const milliseconds = performance.now() - startedAt;
    post({ kind: 'ran', handler, milliseconds, processorMilliseconds: (user + system) / 1000 });
  }
}

/** Runs one handler as Lambda would run its function. */
async function run(handler: string, event: unknown, timeoutSeconds: number): Promise<unknown> {
  let loaded = handlers.get(handler);
  if (loaded === undefined) {
    loaded = import(new URL(`../../../functions/${handler}.ts`, import.meta.url).href).then((module) => module.handler);
    handlers.set(handler, loaded);
    loaded.catch(() => handlers.delete(handler));
  }
  // Lambda's own clock, which the test clock does not move: how long a function may still run.
  const endsAt = Date.now() + timeoutSeconds * 1000;
  const context = {
    functionName: handler,
    awsRequestId: crypto.randomUUID(),
    getRemainingTimeInMillis: () => endsAt - Date.now(),
  };
  const called = await loaded;
  const work = () => recorded(handler, () => called(event, context as unknown as Context));
  return traced === undefined ? await work() : await (await traced)(handler, event, work);
}
