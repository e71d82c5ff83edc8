import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { unpackTar } from 'modern-tar/fs';
import postgres from 'postgres';
import { withBaseBackup } from './base-backup.ts';
import { lowerPriorities } from './low-priority.ts';
import { findPlace, giveTo } from './place.ts';
import { type Postgres, removePostgresData, startPostgres } from './start.ts';

export type Standby = {
  postgres: Postgres;
  /** Resolves when it has ended for any reason. The primary no longer waits for it then. */
  ended: Promise<void>;
  /** Makes it the primary. Resolves when it takes writes. */
  promote(): Promise<void>;
  stop(): Promise<void>;
};

type Options = {
  primary: Postgres;
  /** What it holds is replaced. */
  dataDir: string;
  /** Serves reads, and no commit waits for it; by default it is there to take over. */
  reads?: true;
  settings?: Record<string, string>;
  /** As of the primary. */
  programs?: string | undefined;
  log: (line: string) => void;
};

/** How often to look whether the standby streams. */
const pollMs = 20;

/**
 * Clones a running primary and starts the clone as its standby. From when this resolves, the primary confirms a transaction
 * only when the standby has it on disk too, as Aurora's storage does: a failover loses none that was confirmed. It never waits
 * for a standby that serves reads.
 */
export async function startStandby(options: Options): Promise<Standby> {
  const { primary, dataDir, reads, settings, programs, log } = options;
  const name = reads ? 'reader' : 'standby';
  const sql = postgres({ host: primary.socketDir, user: 'rdsadmin', database: 'postgres', max: 1, onnotice: () => {} });
  let server: Postgres | undefined;
  try {
    await clone(primary, dataDir);
    const started = await startPostgres({
      dataDir,
      programs,
      log,
      settings: {
        ...settings,
        ...(reads ? ofReader : {}),
        primary_conninfo: `host=${primary.socketDir} user=rdsadmin application_name=${name}`,
      },
    });
    server = started;
    await untilStreaming(sql, started, name);
    if (reads) void lowerPriorities(started.socketDir, started.exited);
    else await waitForStandby(sql, name);
    const ended = started.exited.then(async () => {
      if (!reads) await waitForStandby(sql, '').catch(() => {}); // The primary has ended too.
      await sql.end({ timeout: 1 });
      await started.stop();
    });
    return {
      postgres: started,
      ended,
      promote: async () => {
        await sql.end({ timeout: 0 });
        await promote(started);
      },
      stop: async () => {
        await started.stop();
        await ended;
      },
    };
  } catch (error) {
    await server?.stop();
    await sql.end({ timeout: 1 });
    throw error;
  }
}

/**
 * A reader asks for a sign of life after two seconds of silence, so that an idle primary does not look like lag, and knows after
 * four that the link is cut. It keeps the primary from removing rows that a report still reads. What stands in the way of a change all
 * the same, such as a lock of a table that a migration alters, is cut after ten seconds: longer than a report may take.
 */
const ofReader = {
  hot_standby_feedback: 'on',
  max_standby_streaming_delay: '10s',
  wal_receiver_timeout: '4s',
  wal_receiver_status_interval: '1s',
  // Nothing is archived from here.
  archive_mode: 'off',
};

async function clone({ socketDir: host }: Postgres, dataDir: string): Promise<void> {
  await removePostgresData(dataDir);
  await mkdir(dataDir, { recursive: true });
  const place = await findPlace(dataDir);
  const made = `${place.data}.new-standby`;
  await mkdir(made, { mode: 0o700 });
  await withBaseBackup({ host, user: 'rdsadmin' }, 'standby', ({ tar }) => pipeline(tar, unpackTar(made)));
  await writeFile(join(made, 'standby.signal'), '');
  await giveTo(place, made);
  await rename(made, place.data);
}

async function untilStreaming(sql: postgres.Sql, standby: Postgres, name: string): Promise<void> {
  let ended = false;
  void standby.exited.then(() => {
    ended = true;
  });
  for (;;) {
    const [row] = await sql`
      select coalesce(bool_or(state = 'streaming'), false) as streaming
      from pg_stat_replication where application_name = ${name}`;
    if (row!.streaming) return;
    if (ended) throw new Error('it stopped before it had caught up');
    await sleep(pollMs);
  }
}

/** Whom the primary waits for at each commit; nobody when empty. */
async function waitForStandby(sql: postgres.Sql, names: string): Promise<void> {
  await sql.unsafe(`alter system set synchronous_standby_names = '${names}'`);
  await sql`select pg_reload_conf()`;
}

async function promote({ socketDir: host }: Postgres): Promise<void> {
  const sql = postgres({ host, user: 'rdsadmin', database: 'postgres', max: 1, onnotice: () => {} });
  try {
    const [row] = await sql`select pg_promote(true, 60) as promoted`;
    if (!row!.promoted) throw new Error('the standby did not become the primary within a minute');
  } finally {
    await sql.end({ timeout: 1 });
  }
}
