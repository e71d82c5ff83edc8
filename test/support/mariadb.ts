import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { vi } from 'vitest';
import { freePort } from '../e2e/checkout.ts';

/** Whether there is a MariaDB: `apt install mariadb-server`, as the nightly workflow does. */
export const hasMariaDb = spawnSync('mariadbd', ['--version']).status === 0;

export type MariaDb = {
  port: number;
  query: (text: string, database?: string) => Promise<void>;
  stop: () => Promise<void>;
};

/** Starts a real MariaDB in a folder of its own, on a free port of this machine alone. */
export async function startMariaDb(): Promise<MariaDb> {
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
  const query = async (text: string, database?: string): Promise<void> => {
    const { createConnection } = await import('mysql2/promise');
    const connection = await createConnection({
      ...{ host: '127.0.0.1', port, user: 'root', multipleStatements: true },
      ...(database === undefined ? {} : { database }),
    });
    try {
      await connection.query(text);
    } finally {
      await connection.end();
    }
  };
  await vi.waitFor(() => query('select 1'), { timeout: 120_000, interval: 100 });
  return {
    port,
    query,
    async stop() {
      if (server.exitCode === null) {
        server.kill();
        await once(server, 'exit');
      }
      await rm(folder, { recursive: true, force: true });
    },
  };
}
