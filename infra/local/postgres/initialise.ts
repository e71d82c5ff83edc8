import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chown, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Binaries } from './binaries.ts';
import { tellingLine, toStartError } from './errors.ts';
import type { Place } from './place.ts';

/** What a new cluster of Amazon RDS has: the role `rds_iam`, and a master user who is not a superuser. */
const bootstrap = [
  'create role rds_iam nologin',
  'create role migrator login createrole createdb',
  'grant rds_iam to migrator with admin option',
  'grant pg_monitor, pg_signal_backend to migrator with admin option',
  'create database counterfoil owner migrator',
];

/** As with IAM on RDS: a user without `rds_iam` is rejected, whatever token the proxy accepted. */
const hostRules = [
  'local all rdsadmin trust',
  // Base backups and the standby.
  'local replication rdsadmin trust',
  'local all +rds_iam trust',
  'local all all reject',
];

/**
 * Makes the data folder with its roles and database. It is made under another name and renamed when complete, so an
 * incomplete one is never used. Throws PostgresExited, DiskFull, UnusableBinary.
 */
export async function initialise(binaries: Binaries, place: Place): Promise<void> {
  const made = `${place.data}.new-${randomBytes(6).toString('hex')}`;
  try {
    await mkdir(made, { mode: 0o700 });
    if (place.account) await chown(made, place.account.uid, place.account.gid);
    await run(binaries.initdb, [...initdbArguments, '-D', made], place);
    await writeHostRules(made);
    const single = ['--single', '-D', made, '-c', 'exit_on_error=on', '-c', 'log_checkpoints=off', 'postgres'];
    await run(binaries.postgres, single, place, `${bootstrap.join('\n')}\n`);
    await rename(made, place.data);
  } finally {
    await rm(made, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** Says who may log in. A data folder that an earlier version made gets the rules of this one. */
export async function writeHostRules(data: string): Promise<void> {
  await writeFile(join(data, 'pg_hba.conf'), hostRules.map((rule) => `${rule}\n`).join(''));
}

/** A primary that starts has no standby yet, and must not wait for the one that it had. */
export async function forgetStandby(data: string): Promise<void> {
  const file = join(data, 'postgresql.auto.conf');
  const lines = (await readFile(file, 'utf8').catch(() => '')).split('\n');
  const kept = lines.filter((line) => !line.startsWith('synchronous_standby_names'));
  if (kept.length < lines.length) await writeFile(file, kept.join('\n'));
}

/** Removes the incomplete data folders of killed runs. */
export async function removeHalfMade(data: string): Promise<void> {
  const half = (await readdir(dirname(data))).filter((name) => name.startsWith(`${basename(data)}.new-`));
  for (const name of half) await rm(join(dirname(data), name), { recursive: true, force: true, maxRetries: 3 });
}

const initdbArguments = [
  '--username=rdsadmin',
  '--encoding=UTF8',
  '--locale=C',
  '--locale-provider=builtin',
  '--builtin-locale=C.UTF-8',
  '--auth=reject',
  '--data-checksums',
  '--no-sync',
  '--wal-segsize=4', // MiB: less to write at first.
  '--no-instructions',
];

function run(file: string, args: string[], place: Place, input = ''): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { ...place.account, cwd: '/', env: { LC_ALL: 'C', TZ: 'UTC' } });
    let output = '';
    child.stdout.on('data', (chunk) => (output += chunk));
    child.stderr.on('data', (chunk) => (output += chunk));
    child.on('error', (error) => reject(toStartError(file, place.data, error, '')));
    child.on('close', (code) =>
      code === 0 ? resolve() : reject(toStartError(file, place.data, undefined, tellingLine(output))),
    );
    child.stdin.on('error', () => {}); // It ended without reading its input. The exit code says why.
    child.stdin.end(input);
  });
}
