import { createWriteStream, renameSync, statSync, type WriteStream } from 'node:fs';
import { Worker } from 'node:worker_threads';
import type { Mail } from '../../../lib/accounts/mail/mailer.ts';
import type { Reading } from '../test-clock.ts';
import type { FromHost, HostData, ToHost } from './protocol.ts';
import type { Trace } from './trace.ts';

type Options = {
  /** The functions' environment variables. Nothing else of this process's environment reaches them. */
  env: Record<string, string>;
  /** File for what the functions print: their logs and metrics. */
  logFile: string;
  /** File for each distinct call that a function makes to AWS. Recording takes time itself, so it is off without this. */
  callsFile?: string | undefined;
  /** Milliseconds that the functions' clock is ahead of the machine's at the start. */
  ahead?: number;
  /** A request to the gateway moves the clock by so many seconds. */
  onAdvance: (seconds: number) => Promise<Reading>;
  onRequest?: (line: Extract<FromHost, { kind: 'request' }>) => void;
  /** Gets how long each run of a function took. Measuring takes time itself, so it is off without this. */
  onRun?: ((run: Extract<FromHost, { kind: 'ran' }>) => void) | undefined;
  onMail?: ((mail: Mail) => void) | undefined;
  /** A handler has printed the record of an access. */
  onAccess?: (line: string) => void;
  /** Gets what each run of a function waited for, once `trace` was called. */
  onTraced?: (trace: Trace) => void;
  /** Somebody has opened the console. Gives the socket that it listens on. */
  onConsole?: () => Promise<string>;
  log?: (line: string) => void;
  /** The thread has ended too often by itself and is not started again. */
  onCrash: (error: unknown) => void;
};

/** The thread ended before an invocation did. The name is Lambda's own. */
export class RuntimeExited extends Error {
  override readonly name = 'Runtime.ExitError';
  constructor(cause?: unknown) {
    super('Error: Runtime exited with error: signal: killed', { cause });
  }
}

/** Within a minute. */
const mostRestarts = 5;

type Host = { worker: Worker; ended: Promise<void> };

/**
 * Starts the thread that stands for Lambda. A thread that ends is replaced, as Lambda replaces an environment. The
 * invocations that it had fail with RuntimeExited.
 */
export const startFunctions = (options: Options): Functions => new Functions(options);

export class Functions {
  readonly #options: Options;
  readonly #output: WriteStream;
  readonly #invocations = new Map<number, PromiseWithResolvers<unknown>>();
  #lastId = 0;
  #clockSettings: (() => void)[] = [];
  #ahead: number;
  #listening: PromiseWithResolvers<number> | undefined;
  /** The gateway's port, which a new thread opens again. */
  #address: Omit<Extract<ToHost, { kind: 'listen' }>, 'kind'> | undefined;
  #traces = false;
  #stopped = false;
  #givenUp: Error | undefined;
  readonly #ends: number[] = [];
  #host: Host;

  constructor(options: Options) {
    this.#options = options;
    this.#ahead = options.ahead ?? 0;
    rotate(options.logFile);
    this.#output = createWriteStream(options.logFile, { flags: 'a', mode: 0o600 });
    this.#host = this.#start();
  }

  /** Runs a handler with a payload, both as JSON, as Lambda would. Rejects with the name and message that it threw. */
  async invoke(handler: string, payload: unknown, timeoutSeconds = 30): Promise<unknown> {
    if (this.#givenUp !== undefined) throw this.#givenUp;
    const invocation = Promise.withResolvers<unknown>();
    const id = ++this.#lastId;
    this.#invocations.set(id, invocation);
    this.#post({ kind: 'invoke', id, handler, payload: JSON.stringify(payload ?? null), timeoutSeconds });
    return await invocation.promise;
  }

  /**
   * Opens the gateway, for this machine alone unless a `host` is given to listen on. `demoFile` describes the demo shop.
   * @returns its port
   * @throws the system's error when the port cannot be opened
   */
  async listen(address: { port: number; host: string | undefined; demoFile: string }): Promise<number> {
    this.#address = address;
    this.#listening = Promise.withResolvers();
    this.#post({ kind: 'listen', ...address });
    return await this.#listening.promise;
  }

  /** Sets the functions' clock to so many milliseconds ahead of the machine's. Resolves when they have the new time. */
  async setClock(ahead: number): Promise<void> {
    this.#ahead = ahead;
    const set = Promise.withResolvers<void>();
    this.#clockSettings.push(set.resolve);
    this.#post({ kind: 'clock', ahead });
    await set.promise;
  }

  /** Traces what functions wait for from now on. */
  trace(): void {
    if (this.#traces) return;
    this.#traces = true;
    this.#post({ kind: 'trace' });
  }

  /** Kills the thread in the middle of its work, for tests. Another one replaces it. */
  async kill(): Promise<void> {
    await this.#host.worker.terminate();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    const { worker, ended } = this.#host;
    this.#post({ kind: 'stop' });
    const timeLimit = setTimeout(() => void worker.terminate(), 500);
    await ended;
    clearTimeout(timeLimit);
    await new Promise<void>((resolve) => this.#output.end(() => resolve()));
  }

  #start(): Host {
    const workerData: HostData = {
      ahead: this.#ahead,
      logFile: this.#options.logFile,
      measures: this.#options.onRun !== undefined,
      callsFile: this.#options.callsFile,
    };
    const options = { env: this.#options.env, workerData, stdout: true, stderr: true };
    const worker = new Worker(new URL('./host.ts', import.meta.url), options);
    worker.stdout.pipe(this.#output, { end: false });
    worker.stderr.pipe(this.#output, { end: false });
    worker.on('message', (message: FromHost) => this.#receive(message));
    let cause: unknown;
    worker.on('error', (error) => {
      cause = error;
    });
    const ended = new Promise<void>((resolve) =>
      worker.once('exit', () => {
        resolve();
        this.#replace(cause);
      }),
    );
    return { worker, ended };
  }

  /** Fails the invocations of the thread that has ended, and starts another one. */
  #replace(cause: unknown): void {
    const error = new RuntimeExited(cause);
    for (const { reject } of this.#invocations.values()) reject(error);
    this.#invocations.clear();
    for (const set of this.#clockSettings.splice(0)) set();
    if (this.#stopped) return;
    const now = performance.now();
    this.#ends.push(now);
    if (this.#ends.filter((time) => time > now - 60_000).length > mostRestarts) {
      this.#givenUp = error;
      this.#listening?.reject(error);
      this.#options.onCrash(cause ?? error);
      return;
    }
    this.#options.log?.(
      `the functions have stopped${cause === undefined ? '' : ` (${String(cause)})`}; starting them again`,
    );
    this.#host = this.#start();
    if (this.#traces) this.#post({ kind: 'trace' });
    if (this.#address !== undefined) this.#post({ kind: 'listen', ...this.#address });
  }

  #receive(message: FromHost): void {
    const { onMail, onAccess, onRequest, onRun } = this.#options;
    switch (message.kind) {
      case 'ran':
        onRun?.(message);
        break;
      case 'invoked':
        this.#take(message.id)?.resolve(JSON.parse(message.result));
        break;
      case 'failed':
        this.#take(message.id)?.reject(Object.assign(new Error(message.error.message), message.error));
        break;
      case 'listening':
        if (this.#address !== undefined) this.#address.port = message.port;
        this.#listening?.resolve(message.port);
        this.#listening = undefined;
        break;
      case 'not-listening':
        this.#failToListen(Object.assign(new Error(message.message), { code: message.code }));
        break;
      case 'clock-set':
        this.#clockSettings.shift()?.();
        break;
      case 'advance':
        void this.#advance(message);
        break;
      case 'console':
        void this.#openConsole();
        break;
      case 'traced':
        this.#options.onTraced?.(message.trace);
        break;
      case 'mail':
        onMail?.(message.mail);
        break;
      case 'access':
        this.#output.write(`${message.line}\n`);
        onAccess?.(message.line);
        break;
      case 'request':
        onRequest?.(message);
        break;
    }
  }

  #failToListen(error: Error): void {
    if (this.#listening === undefined) this.#options.onCrash(error);
    this.#listening?.reject(error);
    this.#listening = undefined;
  }

  #take(id: number): PromiseWithResolvers<unknown> | undefined {
    const invocation = this.#invocations.get(id);
    this.#invocations.delete(id);
    return invocation;
  }

  async #advance({ id, seconds }: Extract<FromHost, { kind: 'advance' }>): Promise<void> {
    // The answer goes to the thread that asked: a later thread uses the same ids again.
    const { worker } = this.#host;
    const answer = (message: ToHost): void => worker.postMessage(message);
    try {
      answer({ kind: 'advanced', id, reading: await this.#options.onAdvance(seconds) });
    } catch (thrown) {
      const { name, message } = thrown instanceof Error ? thrown : new Error(String(thrown));
      answer({ kind: 'not-advanced', id, error: { name, message } });
    }
  }

  async #openConsole(): Promise<void> {
    const { worker } = this.#host;
    const { onConsole = () => Promise.reject(new Error('This stack has no console.')) } = this.#options;
    const answer = await onConsole().then(
      (socket) => ({ socket, error: undefined }),
      (error: unknown) => ({ socket: undefined, error: String(error) }),
    );
    worker.postMessage({ kind: 'console', ...answer } satisfies ToHost);
  }

  #post(message: ToHost): void {
    this.#host.worker.postMessage(message);
  }
}

const largestLog = 50 * 1024 * 1024;

/** Renames a large log, replacing the one before it, so that logs do not fill a laptop's disk. */
function rotate(file: string): void {
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  if (size > largestLog) renameSync(file, `${file}.1`);
}
