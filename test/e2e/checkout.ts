import { type ChildProcess, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { cp, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Demo } from '../../infra/local/demo.ts';
import { removePostgresData } from '../../infra/local/postgres/start.ts';

const root = resolve(import.meta.dirname, '../..');

/** A copy of the product in a folder of its own, so that the real `npm start` can be run and killed. */
export type Checkout = { folder: string; port: number; identityPort: number };

export type Running = {
  process: ChildProcess;
  demo: Demo;
  /** The line that says that it is ready, with the seconds that it took. */
  readyLine: string;
  /** All that it has printed so far, mails to customers among it. */
  output: () => string;
  /** Of the PostgreSQL that it started. */
  postgresPid: number;
};

export async function makeCheckout(): Promise<Checkout> {
  const folder = await mkdtemp(join(tmpdir(), 'counterfoil-checkout-'));
  for (const part of ['functions', 'infra', 'lib', 'package.json']) {
    await cp(join(root, part), join(folder, part), { recursive: true });
  }
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
  return { folder, port: await freePort(), identityPort: await freePort() };
}

/** Runs `npm start` until it says that it is ready. It runs without npm, which would get the signals instead. */
export async function start(
  { folder, port, identityPort }: Checkout,
  settings: Record<string, string>,
): Promise<Running> {
  const process = spawn(globalThis.process.execPath, ['infra/local/main.ts'], {
    cwd: folder,
    env: { ...globalThis.process.env, ...settings, PORT: String(port), IDENTITY_PORT: String(identityPort) },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const readyLine = await new Promise<string>((ready, failed) => {
    const read = (chunk: Buffer) => {
      output += chunk;
      const line = /^Counterfoil is ready .*$/m.exec(output)?.[0];
      if (line !== undefined) ready(line);
    };
    process.stdout.on('data', read);
    process.stderr.on('data', read);
    process.once('exit', (code) => failed(new Error(`npm start ended with ${code}:\n${output}`)));
  });
  const demo = JSON.parse(await readFile(join(folder, '.local/demo.json'), 'utf8')) as Demo;
  return { process, demo, readyLine, output: () => output, postgresPid: await postgresPidOf(folder) };
}

/** Sends a signal and waits for the end. @returns how many milliseconds it took, and how it ended */
export async function end(running: Running, signal: NodeJS.Signals) {
  const startedAt = performance.now();
  const exit = once(running.process, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
  running.process.kill(signal);
  const [code, by] = await exit;
  return { milliseconds: performance.now() - startedAt, code, by };
}

export async function removeCheckout({ folder }: Checkout): Promise<void> {
  await removePostgresData(join(folder, '.local/postgres'));
  await rm(folder, { recursive: true, force: true });
}

/** The data of PostgreSQL, which may not run as root, is where its user can read it. */
async function postgresPidOf(folder: string): Promise<number> {
  const at = join(folder, '.local/postgres');
  const pointer = await readFile(join(at, 'location.json'), 'utf8').catch(() => undefined);
  const place = pointer === undefined ? at : (JSON.parse(pointer) as { path: string }).path;
  return Number.parseInt(await readFile(join(place, 'data/postmaster.pid'), 'utf8'), 10);
}

/**
 * A free port, below the ephemeral ports of Linux (from 32768) and macOS (from 49152). An outgoing connection could
 * take an ephemeral port before a stack starts on it again.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(20_000, 32_768);
    const server = createServer().listen(port);
    try {
      await once(server, 'listening');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') continue;
      throw error;
    }
    server.close();
    await once(server, 'close');
    return port;
  }
}
