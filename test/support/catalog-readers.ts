import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export type ToReader =
  /** So many readers read, each once, or until told to stop. */
  | {
      kind: 'loop';
      readers: number;
      once: boolean;
      what: 'product' | 'list' | 'both';
      productId: string;
      clientId: string;
    }
  | { kind: 'stop' }
  | { kind: 'end' };
export type FromReader =
  | { kind: 'ready' }
  | { kind: 'read'; readings: Reading[]; answers: Record<string, number> }
  | { kind: 'failed'; error: string };

/** When a read began, on the clock of all processes of this machine in milliseconds, and the product as it showed. */
export type Reading = { startedAt: number; status: number; version: number | undefined; amount: number | undefined };

export type Outcome = { readings: Reading[]; answers: Record<string, number> };

export type CatalogReader = {
  pid: number;
  /** Readers read, each once, or until `stop`. */
  read(what: Omit<Extract<ToReader, { kind: 'loop' }>, 'kind'>): Promise<Outcome>;
  stop(): void;
  kill(): void;
  end(): Promise<void>;
};

/** Processes that read the catalogue by the handlers, with these environment variables besides those of this process. */
export const startCatalogReaders = (count: number, env: Record<string, string> = {}): Promise<CatalogReader[]> =>
  Promise.all(Array.from({ length: count }, () => startCatalogReader(env)));

async function startCatalogReader(env: Record<string, string>): Promise<CatalogReader> {
  const child = fork(fileURLToPath(new URL('./catalog-reader.ts', import.meta.url)), {
    env: { ...process.env, POWERTOOLS_DEV: 'true', POWERTOOLS_METRICS_DISABLED: 'false', ...env },
    execArgv: [],
  });
  await next(child, 'ready');
  const tell = (message: ToReader): void => void child.send(message);
  return {
    pid: child.pid!,
    async read(what) {
      const answer = next(child, 'read');
      tell({ kind: 'loop', ...what });
      return await answer;
    },
    stop: () => tell({ kind: 'stop' }),
    kill: () => void child.kill('SIGKILL'),
    async end() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exited = new Promise((resolve) => child.once('exit', resolve));
      tell({ kind: 'end' });
      await exited;
    },
  };
}

/** The next message of a process. Rejects when it says that it failed, or ends. */
function next<K extends FromReader['kind']>(child: ChildProcess, kind: K): Promise<Extract<FromReader, { kind: K }>> {
  return new Promise((resolve, reject) => {
    const settle = (act: () => void) => {
      child.off('message', onMessage);
      child.off('exit', onExit);
      act();
    };
    const onMessage = (message: FromReader) => {
      if (message.kind === kind) settle(() => resolve(message as Extract<FromReader, { kind: K }>));
      if (message.kind === 'failed') settle(() => reject(new Error(message.error)));
    };
    const onExit = () => settle(() => reject(new Error('the reader has ended')));
    child.on('message', onMessage);
    child.once('exit', onExit);
  });
}
