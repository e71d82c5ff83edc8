import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { LocalPostgresError } from '../postgres/errors.ts';
import { findPlace, socketFolderOf } from '../postgres/place.ts';
import { primaryFolder } from '../postgres/primary.ts';
import { BackupError, InvalidUsage } from './errors.ts';
import { progressBar } from './progress.ts';
import type { Target } from './recover.ts';
import { listBackups, openRepository } from './repository.ts';
import { restore } from './restore.ts';
import { prune, retention } from './retention.ts';
import { makeKeyFile } from './seal.ts';
import { type Source, takeBackup } from './take.ts';
import { verify } from './verify.ts';
import { archivedAt, chainFrom, listSegments } from './wal.ts';

export const usage = `npm run backup -- create              back up the PostgreSQL of npm start while it runs, and archive its WAL from then on
npm run backup -- list                list the backups, and the times that can be restored
npm run backup -- verify              read everything against its checksums, and look for gaps
npm run backup -- prune [--dry-run]   keep the last backup of ${retention.daily} days, ${retention.weekly} weeks and ${retention.monthly} months
npm run backup -- restore --into DIR [--to TIME | --backup ID]
                                      restore into an empty folder: to a time, to the end of one backup, or as far as it goes
npm run backup -- key FILE            make a key file, for encrypted backups

  --repository DIR  where the backups are (.local/backups)
  --key FILE        the key file of an encrypted repository
  --url URL         create: another PostgreSQL, as postgres://user:password@host/postgres; its user needs REPLICATION
  --directory DIR   create: the folder of the stack (.local)
  TIME              with its zone, as 2026-11-29T17:39:20Z

See docs/data.md.`;

type Print = { out: (line: string) => void; err: (line: string) => void };
type Values = {
  repository: string;
  key?: string;
  url?: string;
  directory: string;
  to?: string;
  into?: string;
  backup?: string;
  'dry-run'?: boolean;
};

/** Runs one command line. @returns the exit code: 0 done, 1 failed, 2 invalid command line */
export async function runBackup(args: string[], print: Print): Promise<number> {
  try {
    const { positionals, values } = parseArgs({ args, allowPositionals: true, options });
    const [name = '', ...rest] = positionals;
    const command = commands[name];
    if (command === undefined)
      throw new InvalidUsage(name === '' ? 'Name a command.' : `There is no command "${name}".`);
    if (rest.length !== (name === 'key' ? 1 : 0)) throw new InvalidUsage(`"${name}" takes no "${rest.join(' ')}".`);
    return await command({ ...values, repository: resolve(values.repository) } as Values, print, rest[0] ?? '');
  } catch (error) {
    const misused = error instanceof InvalidUsage || (error instanceof TypeError && 'code' in error);
    if (!misused && !(error instanceof BackupError || error instanceof LocalPostgresError)) throw error;
    print.err(misused ? `${(error as Error).message}\n\n${usage}` : (error as Error).message);
    return misused ? 2 : 1;
  }
}

const options = {
  repository: { type: 'string', default: '.local/backups' },
  key: { type: 'string' },
  url: { type: 'string' },
  directory: { type: 'string', default: '.local' },
  to: { type: 'string' },
  into: { type: 'string' },
  backup: { type: 'string' },
  'dry-run': { type: 'boolean' },
} as const;

const open = ({ repository, key }: Values, make = false) =>
  openRepository(repository, { keyFile: key === undefined ? undefined : resolve(key), make });

const commands: Record<string, (values: Values, print: Print, argument: string) => Promise<number>> = {
  async create(values, print) {
    const source = await sourceOf(values);
    const bar = progressBar('backing up');
    const { id, bytes, storedBytes, line } = await takeBackup(await open(values, true), source, bar.show).finally(
      bar.end,
    );
    print.out(`Backup ${id}: ${megabytes(bytes)}, stored as ${megabytes(storedBytes)}.`);
    print.out(
      line === undefined
        ? 'It can be restored as of its end. Its WAL is not archived.'
        : 'Its WAL is archived from now on, so every later point in time can be restored.',
    );
    return 0;
  },
  async list(values, print) {
    const repository = await open(values);
    const backups = await listBackups(repository);
    if (backups.length === 0) print.out('There is no backup.');
    for (const { id, endedAt, postgres, bytes, storedBytes } of backups)
      print.out(`${id}  ${endedAt}  PostgreSQL ${postgres}  ${megabytes(bytes)}, stored ${megabytes(storedBytes)}`);
    for (const line of new Set(backups.flatMap(({ line }) => line ?? []))) {
      const first = backups.find((backup) => backup.line === line)!;
      const last = chainFrom(await listSegments(repository, line), first).chain.at(-1);
      const until = last && (await archivedAt(repository, last)).toISOString();
      if (until !== undefined && until > first.endedAt)
        print.out(`Any time from ${first.endedAt} to ${until} can be restored.`);
    }
    return 0;
  },
  async verify(values, print) {
    const sound = await verify(await open(values), ({ ok, text }) => print.out(`${ok ? '✓' : '✗'} ${text}`));
    return sound ? 0 : 1;
  },
  async prune(values, print) {
    const dryRun = values['dry-run'] === true;
    const { removed, segments } = await prune(await open(values), { dryRun });
    for (const { id, endedAt } of removed) print.out(`${dryRun ? 'would remove' : 'removed'} ${id} of ${endedAt}`);
    print.out(`${removed.length} backups and ${segments} WAL segments ${dryRun ? 'would go' : 'are gone'}.`);
    return 0;
  },
  async restore(values, print) {
    if (values.into === undefined) throw new InvalidUsage('Name an empty folder with --into.');
    const target = targetOf(values);
    const bar = progressBar('unpacking');
    const { backup, lastCommitAt } = await restore({
      repository: await open(values),
      target,
      into: values.into,
      onProgress: bar.show,
      log: (line) => bar.note(line),
    }).finally(bar.end);
    const reached = lastCommitAt === undefined ? `its end, ${backup.endedAt}` : lastCommitAt.toISOString();
    print.out(`${values.into} holds backup ${backup.id} as of ${reached}.`);
    print.out(
      'To use it, stop npm start, move .local/postgres away and this folder there, and make a new backup soon.',
    );
    return 0;
  },
  async key(_values, print, file) {
    await makeKeyFile(file);
    print.out(
      `${file} is a new key. Keep a copy elsewhere: without it nobody can read the backups, and neither can you.`,
    );
    return 0;
  },
};

function targetOf({ to, backup }: Values): Target {
  if (to !== undefined && backup !== undefined) throw new InvalidUsage('--to and --backup exclude each other.');
  if (backup !== undefined) return { backupId: backup };
  if (to === undefined) return {};
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)$/.test(to) || Number.isNaN(Date.parse(to)))
    throw new InvalidUsage(`--to is a time with its zone, as 2026-11-29T17:39:20Z, not "${to}".`);
  return { to: new Date(to) };
}

async function sourceOf({ url, directory }: Values): Promise<Source> {
  if (url !== undefined) {
    const parsed = URL.parse(url);
    if (parsed === null || !/^postgres(ql)?:$/.test(parsed.protocol))
      throw new InvalidUsage('--url is an address as postgres://user:password@host/postgres.');
    return { connection: connectionOf(parsed) };
  }
  const dataDir = resolve(await primaryFolder(directory));
  if (!existsSync(dataDir)) throw new InvalidUsage(`There is no ${join(directory, 'postgres')}: run npm start once.`);
  const host = await socketFolderOf(dataDir);
  return { connection: { host, user: 'rdsadmin', database: 'postgres' }, place: await findPlace(dataDir) };
}

/** TLS as `sslmode` says; by default it is asked for, and not required. */
function connectionOf({ hostname, port, username, password, pathname, searchParams }: URL): Source['connection'] {
  const mode = searchParams.get('sslmode') ?? 'prefer';
  return {
    host: searchParams.get('host') ?? decodeURIComponent(hostname),
    port: port === '' ? 5432 : Number(port),
    user: decodeURIComponent(username),
    password: decodeURIComponent(password),
    database: decodeURIComponent(pathname.slice(1)) || 'postgres',
    connect_timeout: 10,
    ssl: mode === 'disable' ? false : mode === 'prefer' ? 'prefer' : mode === 'verify-full' ? true : 'require',
  };
}

const megabytes = (bytes: number): string => `${(bytes / 1024 / 1024).toFixed(1)} MB`;

if (import.meta.main)
  process.exitCode = await runBackup(process.argv.slice(2), { out: console.log, err: console.error });
