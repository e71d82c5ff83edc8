import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { vi } from 'vitest';
import { freePort } from '../e2e/checkout.ts';

/** The port of a MySQL that runs on this machine already, where root needs no password. What tests make there they take away. */
const running = process.env.MYSQL_PORT;

/** Whether there is one, or a MariaDB: `apt install mariadb-server`. The nightly workflow has both. */
export const hasMariaDb = running !== undefined || spawnSync('mariadbd', ['--version']).status === 0;

export type MariaDb = {
  port: number;
  query: (text: string, database?: string) => Promise<void>;
  stop: () => Promise<void>;
};

/** Starts a real MariaDB in a folder of its own, on a free port of this machine alone; or takes the MySQL that runs. */
export async function startMariaDb(): Promise<MariaDb> {
  if (running !== undefined) return attach(Number(running));
  const folder = await mkdtemp(join(tmpdir(), 'mariadb-'));
  const data = join(folder, 'data');
  const user = process.getuid?.() === 0 ? ['--user=root'] : [];
  execFileSync('mariadb-install-db', [`--datadir=${data}`, '--auth-root-authentication-method=normal', ...user], {
    stdio: 'ignore',
  });
  const port = await freePort();
  const where = [
    `--datadir=${data}`,
    `--port=${port}`,
    `--socket=${join(folder, 'socket')}`,
    '--bind-address=127.0.0.1',
  ];
  const server = spawn('mariadbd', ['--no-defaults', ...where, ...user], { stdio: 'ignore' });
  const query = queryAt(port);
  await vi.waitFor(() => query('select 1'), { timeout: 120_000, interval: 100 });
  return {
    port,
    query: async (text, database) => void (await query(text, database)),
    async stop() {
      if (server.exitCode === null) {
        server.kill();
        await once(server, 'exit');
      }
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function attach(port: number): Promise<MariaDb> {
  const query = queryAt(port);
  const list = async () => (await query('show databases')).map((row) => Object.values(row)[0]!);
  const before = await list();
  return {
    port,
    query: async (text, database) => void (await query(text, database)),
    async stop() {
      for (const name of await list()) if (!before.includes(name)) await query(`drop database ${name}`);
      await query("drop user reader@'127.0.0.1'");
    },
  };
}

const queryAt =
  (port: number) =>
  async (text: string, database?: string): Promise<Record<string, string>[]> => {
    const { createConnection } = await import('mysql2/promise');
    const connection = await createConnection({
      ...{ host: '127.0.0.1', port, user: 'root', multipleStatements: true },
      ...(database === undefined ? {} : { database }),
    });
    try {
      const [rows] = await connection.query(text);
      return rows as Record<string, string>[];
    } finally {
      await connection.end();
    }
  };
