import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';

export type ToStack =
  | {
      kind: 'start';
      directory: string;
      port: number;
      settings: Record<string, string>;
      standby?: boolean;
      programs?: string | undefined;
    }
  | {
      kind:
        | 'kill-functions'
        | 'sweep'
        | 'publish'
        | 'reconcile'
        | 'locate'
        | 'await-standby'
        | 'stop-schedule'
        | 'stop';
    };
export type FromStack =
  | ({ kind: 'ready' } & Address)
  | { kind: 'line'; line: string }
  | { kind: 'located'; postgresPid: number; socketPath: string }
  | { kind: 'swept'; error?: string }
  | { kind: 'published' }
  | { kind: 'reconciled'; error?: string }
  | { kind: 'standby-ready' }
  | { kind: 'schedule-stopped' };
export type Address = {
  appKey: string;
  clientId: string;
  baseUrl: string;
  socketPath: string;
  dynamoEndpoint: string;
};

type Options = {
  directory: string;
  port: number;
  settings: Record<string, string>;
  /** Whether a standby of PostgreSQL runs. */
  standby?: boolean;
  /** The folder of a package with the programs of another version of PostgreSQL. */
  programs?: string | undefined;
  onLine: (line: string) => void;
  /** The process has ended though nobody had killed it. */
  onDeath: (how: string) => void;
};

export type StackProcess = Awaited<ReturnType<typeof launchStack>>;

/** The whole product in a process of its own, which can be killed and started again on the same data and port. */
export async function launchStack(options: Options) {
  const { directory, port, settings, standby = false, programs, onLine, onDeath } = options;
  const output = createWriteStream(join(directory, 'stack.log'), { flags: 'a' });
  let child: ChildProcess;
  let wanted = true;
  let address = await start();

  async function start(): Promise<Address> {
    const mine = fork(join(import.meta.dirname, 'stack-process.ts'), { stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
    child = mine;
    mine.stdout!.pipe(output, { end: false });
    mine.stderr!.pipe(output, { end: false });
    const ready = Promise.withResolvers<Address>();
    mine.on('message', (message: FromStack) => {
      if (message.kind === 'line') onLine(message.line);
      if (message.kind === 'ready') ready.resolve(message);
    });
    mine.once('exit', (code, signal) => {
      ready.reject(new Error(`the stack did not start: it ended with ${code ?? signal}; see ${directory}/stack.log`));
      if (wanted && mine === child) onDeath(String(code ?? signal));
    });
    const order: ToStack = { kind: 'start', directory: join(directory, 'stack'), port, settings, standby, programs };
    mine.send(order);
    return ready.promise;
  }

  const tell = (kind: Exclude<ToStack['kind'], 'start'>): void => {
    if (child.connected) child.send({ kind }, () => {});
  };

  /** @throws Error when the process ends before it answers */
  async function ask<K extends FromStack['kind']>(kind: Exclude<ToStack['kind'], 'start'>, answer: K) {
    const mine = child;
    const heard = Promise.withResolvers<Extract<FromStack, { kind: K }>>();
    const hear = (message: FromStack) => {
      if (message.kind === answer) heard.resolve(message as Extract<FromStack, { kind: K }>);
    };
    const end = () => heard.reject(new Error(`the stack ended before it answered ${kind}`));
    mine.on('message', hear).once('exit', end);
    if (!mine.connected) end();
    tell(kind);
    return heard.promise.finally(() => mine.off('message', hear).off('exit', end));
  }

  return {
    address: () => address,
    tell,
    /** Of the postmaster that runs now. */
    postgresPid: async (): Promise<number> => (await ask('locate', 'located')).postgresPid,
    /** Runs the sweeper, or joins its run of now, and waits for its end. @throws Error when it fails */
    async sweep(): Promise<void> {
      const { error } = await ask('sweep', 'swept');
      if (error !== undefined) throw new Error(`the sweeper failed: ${error}`);
    },
    /** Where PostgreSQL takes writes now: after a failover at another address. */
    socketPath: async (): Promise<string> => (await ask('locate', 'located')).socketPath,
    /** Resolves when the standby has every transaction that is confirmed from then on. */
    standbyReady: async (): Promise<void> => void (await ask('await-standby', 'standby-ready')),
    /** Copies the provider's transactions and compares. @throws Error when that fails */
    async reconcile(): Promise<void> {
      const { error } = await ask('reconcile', 'reconciled');
      if (error !== undefined) throw new Error(`the reconciliation failed: ${error}`);
    },
    /** Publishes events and wakes senders of webhooks. What fails is tried by the next call. */
    publish: async (): Promise<void> => void (await ask('publish', 'published')),
    /** From here on no job runs by itself; a run of now may still go on. */
    stopSchedule: async (): Promise<void> => void (await ask('stop-schedule', 'schedule-stopped')),
    /** `kill -9` of the process. PostgreSQL stays behind, as an orphan. */
    async kill(): Promise<void> {
      wanted = false;
      const exit = once(child, 'exit');
      child.kill('SIGKILL');
      await exit;
    },
    async restart(): Promise<void> {
      wanted = true;
      address = await start();
    },
    async stop(): Promise<void> {
      wanted = false;
      if (child.exitCode === null && child.signalCode === null) {
        const exit = once(child, 'exit');
        tell('stop');
        const impatience = setTimeout(() => child.kill('SIGKILL'), 10_000);
        await exit;
        clearTimeout(impatience);
      }
      output.end();
    },
  };
}
