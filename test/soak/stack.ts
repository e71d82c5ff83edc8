import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';

export type ToStack =
  | { kind: 'start'; directory: string; port: number; settings: Record<string, string> }
  | { kind: 'kill-functions' | 'sweep' | 'locate' | 'stop' };
export type FromStack =
  | { kind: 'ready'; appKey: string; clientId: string; baseUrl: string; socketPath: string; dynamoEndpoint: string }
  | { kind: 'line'; line: string }
  | { kind: 'located'; postgresPid: number };
export type Address = Omit<Extract<FromStack, { kind: 'ready' }>, 'kind'>;

type Options = {
  directory: string;
  port: number;
  settings: Record<string, string>;
  onLine: (line: string) => void;
  /** The process has ended though nobody had killed it. */
  onDeath: (how: string) => void;
};

export type StackProcess = Awaited<ReturnType<typeof launchStack>>;

/** The whole product in a process of its own, which can be killed and started again on the same data and port. */
export async function launchStack({ directory, port, settings, onLine, onDeath }: Options) {
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
    const order: ToStack = { kind: 'start', directory: join(directory, 'stack'), port, settings };
    mine.send(order);
    return ready.promise;
  }

  const tell = (kind: Exclude<ToStack['kind'], 'start'>): void => {
    if (child.connected) child.send({ kind }, () => {});
  };

  return {
    address: () => address,
    tell,
    /** Of the postmaster that runs now. */
    async postgresPid(): Promise<number> {
      const located = new Promise<number>((resolve) => {
        const hear = (message: FromStack) => {
          if (message.kind !== 'located') return;
          child.off('message', hear);
          resolve(message.postgresPid);
        };
        child.on('message', hear);
      });
      tell('locate');
      return located;
    },
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
