import { createWriteStream } from 'node:fs';
import {
  chmod,
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  realpath,
  rm,
  unlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import postgres from 'postgres';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { runBackup } from '../../infra/local/backup/cli.ts';
import { NoSpace } from '../../infra/local/backup/errors.ts';
import { openRepository } from '../../infra/local/backup/repository.ts';
import { restore } from '../../infra/local/backup/restore.ts';
import { takeBackup } from '../../infra/local/backup/take.ts';
import { ship } from '../../infra/local/backup/wal.ts';
import { spoolFolderOf } from '../../infra/local/postgres/archive.ts';
import { findPlace } from '../../infra/local/postgres/place.ts';
import { type Postgres, removePostgresData, startPostgres } from '../../infra/local/postgres/start.ts';

/** A stack's folder with a cluster that runs, and backups of it: a row, a backup, a row each in two more segments. */
let directory: string;
let server: Postgres;
let sql: postgres.Sql;
let keyFile: string;
/** After each row was committed. */
const times: Date[] = [];

beforeAll(async () => {
  directory = await realpath(await mkdtemp(join(tmpdir(), 'backup-test-')));
  await chmod(directory, 0o755);
  keyFile = join(directory, 'key');
  server = await startPostgres({ dataDir: join(directory, 'postgres') });
  sql = postgres({ host: server.socketDir, user: 'rdsadmin', database: 'counterfoil', max: 1 });
  await sql`create table kept (n integer)`;
  await backup('key', keyFile);
  await write(1);
  expect(await backup('create')).toMatchObject({ code: 0 });
  await write(2);
  await write(3);
});

afterAll(async () => {
  await sql?.end();
  await server?.stop();
  await removePostgresData(join(directory, 'postgres'));
  await rm(directory, { recursive: true });
});

test('a point in time between two transactions is restored, and the cluster can be written to', async () => {
  const into = join(directory, 'between');
  const { code, out } = await backup('restore', '--to', times[1]!.toISOString(), '--into', into);
  expect({ code, out: out[0] }).toMatchObject({ code: 0, out: expect.stringContaining(`${into} holds backup`) });
  expect(await rowsIn(into)).toEqual([1, 2]);
});

test('without a time everything that is archived is restored, and with a backup nothing after it', async () => {
  await backup('restore', '--into', join(directory, 'all'));
  expect(await rowsIn(join(directory, 'all'))).toEqual([1, 2, 3]);
  const id = await onlyBackup();
  await backup('restore', '--backup', id, '--into', join(directory, 'one'));
  expect(await rowsIn(join(directory, 'one'))).toEqual([1]);
});

test('what was backed up verifies, is listed with the times that can be restored, and is kept by prune', async () => {
  expect(await backup('verify')).toEqual({
    code: 0,
    out: [
      expect.stringMatching(/^✓ Backup .* is whole/),
      expect.stringMatching(/^✓ \d+ WAL segments reach from .* without a gap/),
    ],
    err: [],
  });
  const { out } = await backup('list');
  expect(out[1]).toMatch(/^Any time from \S+ to \S+ can be restored/);
  expect((await backup('prune')).out.at(-1)).toBe('0 backups and 0 WAL segments are gone.');
  expect((await backup('verify')).code).toBe(0);
});

test('an encrypted repository gives nothing away without its key, and everything with it', async () => {
  const repository = ['--repository', join(directory, 'encrypted')];
  const place = await findPlace(join(directory, 'postgres'));
  const spool = await readFile(join(spoolFolderOf(place), 'spool.json'), 'utf8');
  onTestFinished(() => writeFile(join(spoolFolderOf(place), 'spool.json'), spool));
  expect(await backup('create', ...repository, '--key', keyFile)).toMatchObject({ code: 0 });
  expect(await backup('list', ...repository)).toMatchObject({ code: 1, err: [expect.stringContaining('--key FILE')] });
  const other = join(directory, 'other-key');
  await backup('key', other);
  expect((await backup('list', ...repository, '--key', other)).err[0]).toContain('is not the key of the backups');
  expect(await backup('verify', ...repository, '--key', keyFile)).toMatchObject({ code: 0 });
  const into = join(directory, 'decrypted');
  await backup('restore', ...repository, '--key', keyFile, '--into', into);
  expect(await rowsIn(into)).toEqual([1, 2, 3]);
  const stored = join(directory, 'encrypted/base', (await readdir(join(directory, 'encrypted/base')))[0]!);
  const manifest = await readFile(join(stored, 'manifest.json'), 'utf8');
  await writeFile(join(stored, 'manifest.json'), manifest.replace(/sha256\\":\\"./, 'sha256\\":\\"x'));
  expect((await backup('list', ...repository, '--key', keyFile)).err[0]).toMatch(
    /The manifest of backup \S+ is damaged/,
  );
});

test('another PostgreSQL is backed up by its address, and restored as of the end of that', async () => {
  const repository = ['--repository', join(directory, 'by-url')];
  const url = `postgres://rdsadmin@localhost/postgres?host=${encodeURIComponent(server.socketDir)}&sslmode=disable`;
  expect((await backup('create', '--url', url, ...repository)).out[1]).toContain('Its WAL is not archived');
  const into = join(directory, 'from-url');
  expect(await backup('restore', ...repository, '--into', into)).toMatchObject({ code: 0 });
  expect(await rowsIn(into)).toEqual([1, 2, 3]);
  const asOther = url.replace('rdsadmin', 'migrator');
  expect(await backup('create', '--url', asOther, ...repository)).toMatchObject({
    code: 1,
    err: [expect.stringMatching(/^PostgreSQL does not let this user take a backup .*REPLICATION/)],
  });
});

test('bad input is refused in one sentence, and nothing is written', async () => {
  const into = join(directory, 'refused');
  const full = join(directory, 'full');
  await mkdir(full);
  await writeFile(join(full, 'mine'), 'untouched');
  const cases: [string[], RegExp][] = [
    [
      ['restore', '--to', '2020-01-01T00:00:00Z', '--into', into],
      /lies before the oldest backup, which ended at .*: choose a later time\.$/,
    ],
    [
      ['restore', '--to', '2999-01-01T00:00:00Z', '--into', into],
      /^The WAL archive ends there, so nothing after \S+ can be restored/,
    ],
    [['restore', '--into', full], /is not empty, so nothing was restored/],
    [['restore', '--into', join(full, 'mine')], /is not empty, so nothing was restored/],
    [['restore', '--backup', 'none', '--into', into], /^There is no backup none\.$/],
    [['list', '--repository', join(directory, 'nowhere')], /holds no backups\.$/],
    [['create', '--repository', full], /holds other files/],
    [['create', '--url', 'postgres://localhost:1/x?sslmode=disable'], /^PostgreSQL does not answer \(ECONNREFUSED\)/],
  ];
  for (const [args, sentence] of cases) {
    const { code, err } = await backup(...args);
    expect({ args, code, err }).toEqual({ args, code: 1, err: [expect.stringMatching(sentence)] });
    expect(err[0]).not.toContain('\n');
  }
  for (const args of [['restore'], ['restore', '--into', into, '--to', 'yesterday'], ['toast'], []])
    expect((await backup(...args)).code).toBe(2);
  expect(await readdir(full)).toEqual(['mine']);
  expect(await readdir(directory)).not.toContain('refused');
});

test('a segment that is corrupt or missing costs what comes after it, and is named', async () => {
  const repository = join(directory, 'corrupt');
  await cp(join(directory, 'backups'), repository, { recursive: true });
  const line = join(repository, 'wal', (await readdir(join(repository, 'wal')))[0]!);
  const last = (await readdir(line)).sort().at(-1)!;
  const bytes = await readFile(join(line, last));
  bytes[bytes.length >> 1]! ^= 0xff;
  await writeFile(join(line, last), bytes);
  const segment = last.slice(0, 24);
  const [at, into] = [['--repository', repository], join(directory, 'after-corrupt')];
  expect(await backup('verify', ...at)).toMatchObject({
    code: 1,
    out: expect.arrayContaining([expect.stringMatching(/^✗ WAL segment/)]),
  });
  expect((await backup('restore', ...at, '--into', into)).err[0]).toContain(
    `WAL segment ${segment} is missing or damaged`,
  );
  expect((await backup('restore', ...at, '--to', times[2]!.toISOString(), '--into', into)).err[0]).toContain(
    `WAL segment ${segment} is missing or damaged, so nothing after`,
  );
  expect(await readdir(directory)).not.toContain('after-corrupt');
  expect(await backup('restore', ...at, '--to', times[1]!.toISOString(), '--into', into)).toMatchObject({ code: 0 });
  expect(await rowsIn(into)).toEqual([1, 2]);

  const middle = (await readdir(line)).sort().at(-2)!;
  await unlink(join(line, middle));
  expect((await backup('verify', ...at)).out).toContain(`✗ WAL segment ${middle.slice(0, 24)} is missing.`);
});

test('a base backup that is corrupt is found by verify and refused by restore', async () => {
  const repository = join(directory, 'corrupt-base');
  await cp(join(directory, 'backups'), repository, { recursive: true });
  const file = join(repository, 'base', await onlyBackup(), 'base.tar.zst');
  const bytes = await readFile(file);
  bytes[bytes.length >> 1]! ^= 0xff;
  await writeFile(file, bytes);
  const at = ['--repository', repository];
  expect((await backup('verify', ...at)).out[0]).toMatch(
    /^✗ Backup .*: base\.tar\.zst (is damaged|does not match its checksum)/,
  );
  const into = join(directory, 'from-corrupt');
  expect(await backup('restore', ...at, '--into', into)).toMatchObject({
    code: 1,
    err: [expect.stringMatching(/base\.tar\.zst/)],
  });
  expect(await readdir(directory)).not.toContain('from-corrupt');
});

test('a backup of another version is refused', async () => {
  const repository = join(directory, 'older');
  await cp(join(directory, 'backups'), repository, { recursive: true });
  const file = join(repository, 'base', await onlyBackup(), 'manifest.json');
  await writeFile(file, (await readFile(file, 'utf8')).replace('\\"postgres\\":\\"18\\"', '\\"postgres\\":\\"17\\"'));
  const into = join(directory, 'from-older');
  expect((await backup('restore', '--repository', repository, '--into', into)).err[0]).toMatch(
    /was made by PostgreSQL 17, and PostgreSQL 18 is installed here/,
  );
  expect(await readdir(directory)).not.toContain('from-older');
});

test('a full disk stops a backup or a restore, which leave nothing behind', async () => {
  const repository = await openRepository(join(directory, 'backups'));
  const into = join(directory, 'no-space');
  const tight = restore({ repository, target: {}, into, freeBytes: async () => 1_000_000 });
  await expect(tight).rejects.toThrow(/has 1 MB free, and the restore needs \d+ MB: nothing was written/);
  expect(await readdir(directory)).not.toContain('no-space');

  const before = await readdir(join(directory, 'backups/base'));
  // The kernel's own disk that is always full.
  const full = { ...repository, create: () => createWriteStream('/dev/full') };
  const connection = { host: server.socketDir, user: 'rdsadmin', database: 'postgres' };
  await expect(takeBackup(full, { connection })).rejects.toThrow(NoSpace);
  expect(await readdir(join(directory, 'backups/base'))).toEqual(before);
});

test('prune clears away what a killed run has left, and nothing that may be under way', async () => {
  const [old, young] = ['20200101T000000Z-dead', '20991231T000000Z-here'].map((id) =>
    join(directory, 'backups/base', id),
  );
  await mkdir(old!);
  await mkdir(young!);
  await utimes(old!, new Date(0), new Date(0));
  await backup('prune');
  const left = await readdir(join(directory, 'backups/base'));
  expect(left).toEqual([await onlyBackup(), '20991231T000000Z-here']);
  await rm(young!, { recursive: true });
});

/** Commits a row, notes the time after it, and archives the segment that it is in. */
async function write(n: number): Promise<void> {
  await sql`insert into kept values (${n})`;
  const [row] = await sql`select clock_timestamp() as at`;
  times.push(new Date(row!.at.getTime() + 1));
  await sql`select pg_sleep(0.01)`;
  // Recovery stops at the first commit after the time, so there has to be one.
  await sql`create table ${sql(`after_${n}`)} ()`;
  const [{ name }] = await sql<[{ name: string }]>`select pg_walfile_name(pg_switch_wal()) as name`;
  const place = await findPlace(join(directory, 'postgres'));
  if (n === 1) return;
  const archived = async () => (await sql`select last_archived_wal as name from pg_stat_archiver`)[0]!.name === name;
  await vi.waitUntil(archived, { timeout: 2 * 60_000 });
  await ship(spoolFolderOf(place));
}

async function backup(...args: string[]): Promise<{ code: number; out: string[]; err: string[] }> {
  const [out, err]: [string[], string[]] = [[], []];
  const given = args.includes('--repository') ? args : [...args, '--repository', join(directory, 'backups')];
  const code = await runBackup([...given, '--directory', directory], {
    out: (line) => out.push(line),
    err: (line) => err.push(line),
  });
  return { code, out, err };
}

const onlyBackup = async (): Promise<string> => (await readdir(join(directory, 'backups/base')))[0]!;

async function rowsIn(dataDir: string): Promise<number[]> {
  const restored = await startPostgres({ dataDir });
  const mine = postgres({ host: restored.socketDir, user: 'rdsadmin', database: 'counterfoil', max: 1 });
  try {
    const rows = await mine`select n from kept order by n`;
    await mine`insert into kept values (0)`;
    return rows.map(({ n }) => n as number);
  } finally {
    await mine.end();
    await restored.stop();
  }
}
