import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chown, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import postgres from 'postgres';

export type PgBouncer = {
  /** Where its socket is, for a host of postgres.js. */
  socketDir: string;
  socketPath: string;
  /** Whether it keeps statements that are prepared by the protocol apart, as RDS Proxy does; from 1.21 on. */
  prepares: boolean;
  stop(): Promise<void>;
};

/**
 * PgBouncer in transaction mode in front of a PostgreSQL of the tests. It gives each transaction another backend in turn, so
 * what is left in a session is missing in the next transaction.
 */
export async function startPgBouncer(program: string, server: { socketDir: string; port: number }): Promise<PgBouncer> {
  const [, major, minor] = /PgBouncer (\d+)\.(\d+)/.exec(execFileSync(program, ['--version'], { encoding: 'utf8' }))!;
  const prepares = Number(major) > 1 || Number(minor) >= 21;
  const folder = await mkdtemp(join(tmpdir(), 'counterfoil-pgbouncer-'));
  const settings = join(folder, 'pgbouncer.ini');
  await writeFile(
    settings,
    `[databases]
* = host=${server.socketDir} port=${server.port}
[pgbouncer]
pool_mode = transaction
${prepares ? 'max_prepared_statements = 500' : ''}
server_round_robin = 1
min_pool_size = 3
default_pool_size = 40
max_client_conn = 1000
listen_port = ${server.port}
unix_socket_dir = ${folder}
auth_type = trust
auth_file = ${join(folder, 'users')}
auth_user = rdsadmin
auth_query = select rolname, '' from pg_catalog.pg_roles where rolname = $1
admin_users = rdsadmin
ignore_startup_parameters = extra_float_digits
logfile = ${join(folder, 'log')}
`,
  );
  await writeFile(join(folder, 'users'), '"rdsadmin" ""\n');
  // It refuses to run as root, so it runs as whoever PostgreSQL runs as.
  const { uid, gid } = await stat(server.socketDir);
  await chown(folder, uid, gid);
  const child = spawn(program, ['--quiet', settings], { stdio: ['ignore', 'ignore', 'inherit'], uid, gid });
  try {
    await answers(folder, child);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    socketDir: folder,
    socketPath: join(folder, `.s.PGSQL.${server.port}`),
    prepares,
    stop,
  };

  async function stop(): Promise<void> {
    if (child.exitCode === null) {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    await rm(folder, { recursive: true });
  }
}

async function answers(host: string, child: ChildProcess): Promise<void> {
  for (;;) {
    if (child.exitCode !== null) throw new Error(`PgBouncer ended with ${child.exitCode}`);
    const sql = postgres({ host, user: 'rdsadmin', database: 'postgres', max: 1, fetch_types: false, prepare: false });
    try {
      await sql`select 1`;
      return;
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && ['ENOENT', 'ECONNREFUSED'].includes(String(error.code))))
        throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    } finally {
      await sql.end({ timeout: 1 });
    }
  }
}
