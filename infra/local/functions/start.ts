import { createWriteStream, renameSync, statSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import type { Reading } from '../test-clock.ts';
import type { FromHost, HostData, ToHost } from './protocol.ts';

export type Functions = {
  /** Runs a door with a payload, both as JSON, as Lambda would. Rejects with the name and message that it threw. */
  invoke(door: string, payload: unknown, timeoutSeconds?: number): Promise<unknown>;
  /** Opens the gateway. @returns its port @throws the system's error when the port cannot be had */
  listen(port: number): Promise<number>;
  /** Gives the functions another time: milliseconds that it is ahead of the machine's. Resolves when they have it. */
  setClock(ahead: number): Promise<void>;
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
  /** The thread ended by itself. */
  onCrash: (error: unknown) => void;
};

/** Starts the thread that stands for Lambda. */
export function startFunctions({ env, logFile, ahead = 0, onAdvance, onRequest, onCrash }: Options): Functions {
  const workerData: HostData = { ahead };
  const worker = new Worker(new URL('./host.ts', import.meta.url), { env, workerData, stdout: true, stderr: true });
  rotate(logFile);
  const log = createWriteStream(logFile, { flags: 'a' });
  worker.stdout.pipe(log, { end: false });
  worker.stderr.pipe(log, { end: false });

  const waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: unknown) => void }>();
  let lastId = 0;
  const settings: (() => void)[] = [];
  let listening: { resolve: (port: number) => void; reject: (error: unknown) => void } | undefined;
  let stopped = false;
  const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
  const tell = (message: ToHost): void => worker.postMessage(message);
  const giveUp = (error: unknown) => {
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
    listening?.reject(error);
    for (const set of settings.splice(0)) set();
    if (!stopped) onCrash(error);
  };

  worker.on('error', giveUp);
  worker.on('exit', () => giveUp(new Error('the functions have stopped')));
  worker.on('message', (message: FromHost) => {
    switch (message.kind) {
      case 'invoked':
        take(message.id)?.resolve(JSON.parse(message.result));
        break;
      case 'failed':
        take(message.id)?.reject(Object.assign(new Error(message.error.message), message.error));
        break;
      case 'listening':
        listening?.resolve(message.port);
        break;
      case 'not-listening':
        listening?.reject(Object.assign(new Error(message.message), { code: message.code }));
        break;
      case 'clock-set':
        settings.shift()?.();
        break;
      case 'advance':
        void advance(message);
        break;
      case 'request':
        onRequest?.(message);
        break;
    }
  });

  function take(id: number) {
    const entry = waiting.get(id);
    waiting.delete(id);
    return entry;
  }

  async function advance({ id, seconds }: Extract<FromHost, { kind: 'advance' }>): Promise<void> {
    try {
      tell({ kind: 'advanced', id, reading: await onAdvance(seconds) });
    } catch (thrown) {
      const { name, message } = thrown instanceof Error ? thrown : new Error(String(thrown));
      tell({ kind: 'not-advanced', id, error: { name, message } });
    }
  }

  return {
    invoke: (door, payload, timeoutSeconds = 30) =>
      new Promise((resolve, reject) => {
        const id = ++lastId;
        waiting.set(id, { resolve, reject });
        tell({ kind: 'invoke', id, door, payload: JSON.stringify(payload ?? null), timeoutSeconds });
      }),
    listen: (port) =>
      new Promise((resolve, reject) => {
        listening = { resolve, reject };
        tell({ kind: 'listen', port });
      }),
    setClock: (ahead) =>
      new Promise((resolve) => {
        settings.push(resolve);
        tell({ kind: 'clock', ahead });
      }),
    async stop() {
      stopped = true;
      tell({ kind: 'stop' });
      const patience = setTimeout(() => void worker.terminate(), 500);
      await ended;
      clearTimeout(patience);
      await new Promise<void>((resolve) => log.end(() => resolve()));
    },
  };
}

const largestLog = 50 * 1024 * 1024;

/** A log that has grown large is put aside once, so that a laptop's disk does not fill with them. */
function rotate(file: string): void {
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  if (size > largestLog) renameSync(file, `${file}.1`);
}
