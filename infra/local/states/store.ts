import { DatabaseSync } from 'node:sqlite';
import type { OpenTask } from './callbacks.ts';

export type Status = 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'TIMED_OUT' | 'ABORTED';

/** One execution. Times are milliseconds since the epoch; input, output and stateInput are JSON text. */
export type Execution = {
  name: string;
  input: string;
  startedAt: number;
  status: Status;
  output: string | null;
  error: string | null;
  cause: string | null;
  stoppedAt: number | null;
  state: string | null;
  stateInput: string | null;
  enteredAt: number | null;
  attempts: string;
  task: OpenTask | null;
  redriveCount: number;
  redrivenAt: number | null;
  lastEvent: number;
};

export type Store = ReturnType<typeof openStore>;

const schema = `
  create table if not exists executions (
    name text primary key, input text not null, "startedAt" integer not null, status text not null,
    output text, error text, cause text, "stoppedAt" integer, state text, "stateInput" text, "enteredAt" integer,
    attempts text not null, task text, "redriveCount" integer not null, "redrivenAt" integer, "lastEvent" integer not null
  ) strict, without rowid;
  create index if not exists executions_by_start on executions ("startedAt", name);
  create index if not exists executions_by_stop on executions ("stoppedAt") where "stoppedAt" is not null;
  create index if not exists executions_running on executions (name) where status = 'RUNNING';
  create table if not exists events (name text not null, id integer not null, body text not null, primary key (name, id))
    strict, without rowid;`;

/**
 * Executions and their history in one SQLite file. `save` and `append` are gathered and written together, in order,
 * at the end of the event loop's turn; `insert` is on disk when it returns. Reads see everything saved before them.
 * Throws when the file is in use by another process or is not such a database.
 */
export function openStore(file: string, log: (line: string) => void) {
  const db = open(file);
  const dirty = new Set<Execution>();
  let events: [string, number, string][] = [];
  let scheduled: NodeJS.Immediate | undefined;
  let retry: NodeJS.Timeout | undefined;
  const columns =
    'name, input, "startedAt", status, output, error, cause, "stoppedAt", state, "stateInput", "enteredAt", attempts, task, "redriveCount", "redrivenAt", "lastEvent"';
  const insert = db.prepare(`insert into executions (${columns}) values (${columns.replace(/[^,]+/g, '?')})`);
  const update = db.prepare(
    `update executions set status = ?, output = ?, error = ?, cause = ?, "stoppedAt" = ?, state = ?, "stateInput" = ?,
     "enteredAt" = ?, attempts = ?, task = ?, "redriveCount" = ?, "redrivenAt" = ?, "lastEvent" = ? where name = ?`,
  );
  const append = db.prepare('insert into events (name, id, body) values (?, ?, ?)');

  const flush = () => {
    if (!dirty.size && !events.length) return;
    db.exec('begin immediate');
    try {
      for (const event of events) append.run(...event);
      for (const e of dirty) {
        const { name, input, startedAt, ...rest } = e;
        update.run(...ordered(rest), name);
      }
      db.exec('commit');
    } catch (error) {
      if (db.isTransaction) db.exec('rollback');
      throw error;
    }
    dirty.clear();
    events = [];
  };

  const flushSoon = () => {
    scheduled ??= setImmediate(() => {
      scheduled = undefined;
      try {
        flush();
      } catch (error) {
        log(`step functions: cannot write ${file}, trying again: ${(error as Error).message}`);
        retry = setTimeout(flushSoon, 500).unref();
      }
    });
  };

  const fresh = <Row>(read: () => Row): Row => {
    flush();
    return read();
  };
  const find = db.prepare(`select ${columns} from executions where name = ?`);
  const running = db.prepare(`select ${columns} from executions where status = 'RUNNING' order by "startedAt"`);
  const listed = db.prepare(
    `select ${columns} from executions where (?1 is null or status = ?1) and ("startedAt", name) < (?2, ?3)
     and (?4 is null or ("redriveCount" > 0) = ?4) order by "startedAt" desc, name desc limit ?5`,
  );
  const forward = db.prepare('select id, body from events where name = ? and id > ? order by id limit ?');
  const backward = db.prepare('select id, body from events where name = ? and id < ? order by id desc limit ?');
  const purgeEvents = db.prepare(
    'delete from events where name in (select name from executions where "stoppedAt" < ?)',
  );
  const purge = db.prepare('delete from executions where "stoppedAt" < ?');

  return {
    insert(execution: Execution) {
      flush();
      const { name, input, startedAt, ...rest } = execution;
      insert.run(name, input, startedAt, ...ordered(rest));
    },
    save(execution: Execution) {
      dirty.add(execution);
      flushSoon();
    },
    append(name: string, id: number, body: object) {
      events.push([name, id, JSON.stringify(body)]);
      flushSoon();
    },
    find(name: string): Execution | undefined {
      const row = fresh(() => find.get(name));
      return row && fromRow(row);
    },
    running: (): Execution[] => fresh(() => running.all()).map(fromRow),
    /** Newest first, from the one before `[startedAt, name]`. */
    list(status: Status | null, redriven: boolean | null, [startedAt, name]: [number, string], limit: number) {
      const flag = redriven === null ? null : Number(redriven);
      return fresh(() => listed.all(status, startedAt, name, flag, limit)).map(fromRow);
    },
    /** Events beyond the id `after`, in the direction asked for. */
    history(name: string, after: number, backwards: boolean, limit: number) {
      const rows = fresh(() => (backwards ? backward : forward).all(name, after, limit));
      return rows.map((row) => ({ id: Number(row.id), body: JSON.parse(String(row.body)) as Record<string, unknown> }));
    },
    /** Forgets executions that were closed before `time`. */
    purge(time: number) {
      flush();
      purgeEvents.run(time);
      purge.run(time);
    },
    flush,
    close() {
      clearImmediate(scheduled);
      clearTimeout(retry);
      try {
        flush();
      } finally {
        db.close();
      }
    },
  };
}

const fromRow = (row: Record<string, unknown>) =>
  ({ ...row, task: row.task === null ? null : JSON.parse(String(row.task)) }) as Execution;

type Mutable = Omit<Execution, 'name' | 'input' | 'startedAt'>;

const ordered = (e: Mutable) => [
  e.status,
  e.output,
  e.error,
  e.cause,
  e.stoppedAt,
  e.state,
  e.stateInput,
  e.enteredAt,
  e.attempts,
  e.task && JSON.stringify(e.task),
  e.redriveCount,
  e.redrivenAt,
  e.lastEvent,
];

function open(file: string): DatabaseSync {
  try {
    const db = new DatabaseSync(file, { timeout: 1000 });
    // Exclusive: two services on one file would run every execution twice.
    db.exec('pragma locking_mode = exclusive; pragma journal_mode = wal; pragma synchronous = normal');
    db.exec(`begin immediate; ${schema}`);
    // Files of before tasks could wait for a callback.
    if (!db.prepare(`select 1 from pragma_table_info('executions') where name = 'task'`).get())
      db.exec('alter table executions add column task text');
    db.exec('commit');
    return db;
  } catch (cause) {
    const why = /locked|busy/.test(String(cause)) ? 'another process is using it' : (cause as Error).message;
    throw new Error(`The executions in ${file} cannot be opened: ${why}.`, { cause });
  }
}
