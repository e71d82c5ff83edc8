import { createWriteStream, renameSync, statSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import type { Mail } from '../../../lib/accounts/mail/mailer.ts';
import type { Reading } from '../test-clock.ts';
import type { FromHost, HostData, ToHost } from './protocol.ts';

export type Functions = {
  /** Runs a handler with a payload, both as JSON, as Lambda would. Rejects with the name and message that it threw. */
  invoke(handler: string, payload: unknown, timeoutSeconds?: number): Promise<unknown>;
  /** Opens the gateway. @returns its port @throws the system's error when the port cannot be had */
  listen(port: number): Promise<number>;
  /** Gives the functions another time: milliseconds that it is ahead of the machine's. Resolves when they have it. */
  setClock(ahead: number): Promise<void>;
  /** Kills the thread in the middle of whatever it does, for tests. Another one takes its place. */
  kill(): Promise<void>;
  stop(): Promise<void>;
};

type Options = {
  /** The functions' environment variables; nothing else of this process's environment reaches them. */
  env: Record<string, string>;
  /** File that takes what the functions print: their logs and metrics. */
  logFile: string;
  /** Milliseconds that the functions' clock is ahead of the machine's at the start. */
  ahead?: number;
  /** Somebody asked the gateway to move the clock by so many seconds. */
  onAdvance: (seconds: number) => Promise<Reading>;
  onRequest?: (line: Extract<FromHost, { kind: 'request' }>) => void;
  onMail?: (mail: Mail) => void;
  /** A handler has printed the record of an access. */
  onAccess?: (line: string) => void;
  log?: (line: string) => void;
  /** The thread ends by itself time and again: it is not started any more. */
  onCrash: (error: unknown) => void;
};

/** What whoever waits for an invocation gets when its environment dies, by Lambda's own name for it. */
export class RuntimeExited extends Error {
  override readonly name = 'Runtime.ExitError';
  constructor(cause?: unknown) {
    super('Error: Runtime exited with error: signal: killed', { cause });
  }
}

/** So often within a minute a thread that died is replaced. */
const mostRevivals = 5;

/**
 * Starts the thread that stands for Lambda. One that dies is replaced, as Lambda replaces an environment, and takes the
 * invocations that it had with it.
 */
export function startFunctions(options: Options): Functions {
  const { env, logFile, onAdvance, onRequest, onMail, onAccess, log = () => {}, onCrash } = options;
  let { ahead = 0 } = options;
  rotate(logFile);
  const output = createWriteStream(logFile, { flags: 'a' });
  const waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: unknown) => void }>();
  let lastId = 0;
  const settings: (() => void)[] = [];
  let listening: { resolve: (port: number) => void; reject: (error: unknown) => void } | undefined;
  /** Where the gateway was opened, which is where it is opened again. */
  let gatewayPort: number | undefined;
  let stopped = false;
  let givenUp: Error | undefined;
  const deaths: number[] = [];
  let host = start();

  function start() {
    const workerData: HostData = { ahead };
    const worker = new Worker(new URL('./host.ts', import.meta.url), { env, workerData, stdout: true, stderr: true });
    worker.stdout.pipe(output, { end: false });
    worker.stderr.pipe(output, { end: false });
    worker.on('message', hear);
    let cause: unknown;
    worker.on('error', (error) => {
      cause = error;
    });
    const ended = new Promise<void>((resolve) =>
      worker.once('exit', () => {
        resolve();
        bury(cause);
      }),
    );
    return { worker, ended };
  }

  function bury(cause: unknown): void {
    const error = new RuntimeExited(cause);
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
    for (const set of settings.splice(0)) set();
    if (stopped) return;
    const now = performance.now();
    deaths.push(now);
    if (deaths.filter((time) => time > now - 60_000).length > mostRevivals) {
      givenUp = error;
      listening?.reject(error);
      onCrash(cause ?? error);
      return;
    }
    log(`the functions have stopped${cause === undefined ? '' : ` (${String(cause)})`}; starting them anew`);
    host = start();
    if (gatewayPort !== undefined) tell({ kind: 'listen', port: gatewayPort });
  }

  function hear(message: FromHost): void {
    switch (message.kind) {
      case 'invoked':
        take(message.id)?.resolve(JSON.parse(message.result));
        break;
      case 'failed':
        take(message.id)?.reject(Object.assign(new Error(message.error.message), message.error));
        break;
      case 'listening':
        gatewayPort = message.port;
        listening?.resolve(message.port);
        listening = undefined;
        break;
      case 'not-listening': {
        const error = Object.assign(new Error(message.message), { code: message.code });
        if (listening === undefined) onCrash(error);
        listening?.reject(error);
        listening = undefined;
        break;
      }
      case 'clock-set':
        settings.shift()?.();
        break;
      case 'advance':
        void advance(message);
        break;
      case 'mail':
        onMail?.(message.mail);
        break;
      case 'access':
        output.write(`${message.line}\n`);
        onAccess?.(message.line);
        break;
      case 'request':
        onRequest?.(message);
        break;
    }
  }

  function take(id: number) {
    const entry = waiting.get(id);
    waiting.delete(id);
    return entry;
  }

  async function advance({ id, seconds }: Extract<FromHost, { kind: 'advance' }>): Promise<void> {
    // A thread that has taken its place meanwhile gives out the same ids anew.
    const { worker } = host;
    const answer = (message: ToHost): void => worker.postMessage(message);
    try {
      answer({ kind: 'advanced', id, reading: await onAdvance(seconds) });
    } catch (thrown) {
      const { name, message } = thrown instanceof Error ? thrown : new Error(String(thrown));
      answer({ kind: 'not-advanced', id, error: { name, message } });
    }
  }

  function tell(message: ToHost): void {
    host.worker.postMessage(message);
  }

  return {
    invoke: (handler, payload, timeoutSeconds = 30) =>
      new Promise((resolve, reject) => {
        if (givenUp !== undefined) return reject(givenUp);
        const id = ++lastId;
        waiting.set(id, { resolve, reject });
        tell({ kind: 'invoke', id, handler, payload: JSON.stringify(payload ?? null), timeoutSeconds });
      }),
    listen: (port) =>
      new Promise((resolve, reject) => {
        gatewayPort = port;
        listening = { resolve, reject };
        tell({ kind: 'listen', port });
      }),
    setClock: (milliseconds) =>
      new Promise((resolve) => {
        ahead = milliseconds;
        settings.push(resolve);
        tell({ kind: 'clock', ahead });
      }),
    async kill() {
      await host.worker.terminate();
    },
    async stop() {
      stopped = true;
      const { worker, ended } = host;
      tell({ kind: 'stop' });
      const patience = setTimeout(() => void worker.terminate(), 500);
      await ended;
      clearTimeout(patience);
      await new Promise<void>((resolve) => output.end(() => resolve()));
    },
  };
}

const largestLog = 50 * 1024 * 1024;

/** A log that has grown large is put aside once, so that a laptop's disk does not fill with them. */
function rotate(file: string): void {
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  if (size > largestLog) renameSync(file, `${file}.1`);
}
