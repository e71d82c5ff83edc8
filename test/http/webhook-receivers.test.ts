import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { listenOn, portOf } from '../../infra/local/loopback.ts';
import { httpSender } from '../../lib/events/webhooks/send.gateway.ts';
import { newSecret, signatures } from '../../lib/events/webhooks/sign.ts';
import { stopwatch } from '../../lib/kernel/clock.ts';

/*
 * The receivers that docs/webhooks.md shows, as they stand there.
 */

const page = readFileSync('docs/webhooks.md', 'utf8');
const codeOf = (language: string): string => new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``).exec(page)![1]!;
const has = (command: string): boolean => spawnSync(command, ['--version']).status === 0;

type Language = { name: string; file: string; run: (port: number) => [string, ...string[]]; command: string };
const languages: Language[] = [
  { name: 'ts', file: 'receiver.ts', command: process.execPath, run: () => [process.execPath, 'receiver.ts'] },
  { name: 'python', file: 'receiver.py', command: 'python3', run: () => ['python3', 'receiver.py'] },
  {
    name: 'php',
    file: 'receiver.php',
    command: 'php',
    run: (port) => ['php', '-S', `127.0.0.1:${port}`, 'receiver.php'],
  },
];

let running: ChildProcess | undefined;
let directory: string;
afterEach(async () => {
  running?.kill('SIGKILL');
  await rm(directory, { recursive: true, force: true });
});

async function start({ name, file, run }: Language, secret: string): Promise<string> {
  directory = await mkdtemp(join(tmpdir(), 'counterfoil-receiver-'));
  await writeFile(join(directory, file), codeOf(name));
  await symlink(resolve('node_modules'), join(directory, 'node_modules'));
  const port = await freePort();
  const [command, ...args] = run(port);
  running = spawn(command, args, {
    cwd: directory,
    env: { ...process.env, WEBHOOK_SECRET: secret, PORT: String(port) },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  running.stderr!.on('data', (chunk) => {
    said += chunk;
  });
  while (!(await answers(port))) {
    if (running.exitCode !== null) throw new Error(`the receiver ended: ${said}`);
    await sleep(50);
  }
  return `http://127.0.0.1:${port}/`;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await listenOn('127.0.0.1', 0, server);
  const port = portOf(server);
  await new Promise((done) => server.close(done));
  return port;
}

const answers = (port: number): Promise<boolean> =>
  new Promise((done) => {
    const socket = connect(port, '127.0.0.1', () => done(socket.end() !== undefined));
    socket.on('error', () => done(false));
  });

describe.each(languages)('the receiver in $name', (language) => {
  test.skipIf(!has(language.command))('takes an event once, and refuses what is not genuine', async () => {
    const [secret, old] = [newSecret(), newSecret()];
    const url = await start(language, secret);
    const send = httpSender({ allowed: 'any', elapsed: stopwatch.elapsed });
    const deliver = async (id: string, by: string[], { late = 0, sent }: { late?: number; sent?: string } = {}) => {
      const body = JSON.stringify({ id, type: 'product.created', data: { name: 'Zoë’s teapot' } });
      const seconds = Math.floor(Date.now() / 1000) - late;
      const { status } = await send(
        url,
        {
          'content-type': 'application/json',
          'webhook-id': id,
          'webhook-timestamp': String(seconds),
          'webhook-signature': signatures(by, { id, seconds, body }),
        },
        sent ?? body,
      );
      return status;
    };
    expect(await deliver('evt_1', [secret])).toBe(204);
    expect(await deliver('evt_1', [secret]), 'again').toBe(204);
    expect(await deliver('evt_2', [old, secret]), 'while the secret is replaced').toBe(204);
    expect(await deliver('evt_3', [old])).toBe(400);
    expect(await deliver('evt_4', [secret], { sent: '{}' }), 'another body').toBe(400);
    expect(await deliver('evt_5', [secret], { late: 600 }), 'a replayed request').toBe(400);
    expect((await send(url, {}, '{}')).status, 'without a signature').toBe(400);
    const db = new DatabaseSync(join(directory, 'events.sqlite'));
    const rows = db.prepare('select id, body from events order by id').all() as { id: string; body: string }[];
    db.close();
    expect(rows.map(({ id }) => id)).toEqual(['evt_1', 'evt_2']);
    expect(JSON.parse(rows[0]!.body)).toMatchObject({ id: 'evt_1', data: { name: 'Zoë’s teapot' } });
  });
});
