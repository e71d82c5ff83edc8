import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { ConsoleData, FromConsole, StackCalls, ToConsole } from './protocol.ts';

export type Console = {
  /** Starts the console's thread, unless it runs. @returns the socket that it listens on */
  open(): Promise<string>;
  /** From now on, looks at the alarms each minute and has people told of those that change. */
  watchAlarms(): Promise<void>;
  stop(): Promise<void>;
};

type Options = {
  directory: string;
  data: () => Omit<ConsoleData, 'socket'>;
  calls: StackCalls;
  log: (line: string) => void;
};

/**
 * The console, which nobody pays for before it is opened: it has a thread of its own, so that it takes no time from the
 * functions and the stand-ins, and it reads what they log and store.
 */
export function startConsole({ directory, data, calls, log }: Options): Console {
  let worker: Worker | undefined;
  let opening: Promise<string> | undefined;

  async function open(): Promise<string> {
    const socket = socketIn(directory);
    await rm(socket, { force: true });
    const workerData: ConsoleData = { ...data(), socket };
    const opened = new Worker(new URL('./worker.ts', import.meta.url), {
      workerData,
      // Types are stripped from the page's files by a function that Node calls experimental.
      execArgv: ['--disable-warning=ExperimentalWarning'],
    });
    worker = opened;
    const ready = Promise.withResolvers<void>();
    opened.on('message', (message: FromConsole) => {
      if (message.kind === 'ready') ready.resolve();
      else void answer(opened, message);
    });
    opened.on('error', (error) => {
      log(`the console has stopped: ${error.message}`);
      ready.reject(error);
    });
    opened.on('exit', () => {
      ready.reject(new Error('its thread has ended'));
      if (worker === opened) worker = opening = undefined;
    });
    await ready.promise;
    return socket;
  }

  async function answer(to: Worker, { id, call, args }: Extract<FromConsole, { kind: 'ask' }>): Promise<void> {
    const send = (message: { result?: unknown; error?: { name: string; message: string } }) =>
      to.postMessage({ kind: 'answer', id, ...message });
    try {
      const run = calls[call] as (...given: unknown[]) => unknown;
      send({ result: await run(...args) });
    } catch (thrown) {
      const { name, message } = thrown instanceof Error ? thrown : new Error(String(thrown));
      send({ error: { name, message } });
    }
  }

  const openOnce = () => {
    opening ??= open();
    return opening;
  };

  return {
    open: openOnce,
    async watchAlarms() {
      await openOnce();
      worker?.postMessage({ kind: 'watch' } satisfies ToConsole);
    },
    async stop() {
      await worker?.terminate();
      await rm(socketIn(directory), { force: true });
    },
  };
}

/** The longest path that a socket may have everywhere. */
const longestPath = 100;

function socketIn(directory: string): string {
  const path = join(directory, 'console.sock');
  if (path.length <= longestPath) return path;
  return join(tmpdir(), `counterfoil-${createHash('sha256').update(path).digest('hex').slice(0, 16)}.sock`);
}
