import { closeSync, openSync } from 'node:fs';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
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
  lastEvent: number;
};

const schema = `
  create table if not exists executions (
    name text primary key, input text not null, "startedAt" integer not null, status text not null,
    output text, error text, cause text, "stoppedAt" integer, state text, "stateInput" text, "enteredAt" integer,
    attempts text not null, task text, "lastEvent" integer not null
  ) strict, without rowid;
  create index if not exists executions_by_start on executions ("startedAt", name);
  create index if not exists executions_by_stop on executions ("stoppedAt") where "stoppedAt" is not null;
  create index if not exists executions_running on executions (name) where status = 'RUNNING';
  create table if not exists events (name text not null, id integer not null, body text not null, primary key (name, id))
    strict, without rowid;`;

const columns =
  'name, input, "startedAt", status, output, error, cause, "stoppedAt", state, "stateInput", "enteredAt", attempts, task, "lastEvent"';

/**
 * Executions and their history in one SQLite file. `save` and `append` are gathered and written together, in order,
 * at the end of the event loop's turn. `insert` is on disk when it returns. Reads see everything saved before them.
 */
export class Store {
  readonly #file: string;
  readonly #log: (line: string) => void;
  readonly #db: DatabaseSync;
  readonly #statements: ReturnType<typeof prepareStatements>;
  readonly #dirty = new Set<Execution>();
  #events: [name: string, id: number, body: string][] = [];
  #scheduled: NodeJS.Immediate | undefined;
  #retry: NodeJS.Timeout | undefined;

  /** @throws Error when another process uses the file, or it is not such a database */
  constructor(file: string, log: (line: string) => void) {
    this.#file = file;
    this.#log = log;
    this.#db = open(file);
    this.#statements = prepareStatements(this.#db);
  }

  insert(execution: Execution): void {
    this.flush();
    const { name, input, startedAt, ...rest } = execution;
    this.#statements.insert.run(name, input, startedAt, ...ordered(rest));
  }

  save(execution: Execution): void {
    this.#dirty.add(execution);
    this.#flushSoon();
  }

  append(name: string, id: number, body: object): void {
    this.#events.push([name, id, JSON.stringify(body)]);
    this.#flushSoon();
  }

  find(name: string): Execution | undefined {
    const [row] = this.#read('find', name);
    return row && fromRow(row);
  }

  running(): Execution[] {
    return this.#read('running').map(fromRow);
  }

  /** Newest first, from the one before `[startedAt, name]`. */
  list(status: Status | null, [startedAt, name]: [number, string], limit: number): Execution[] {
    return this.#read('list', status, startedAt, name, limit).map(fromRow);
  }

  /** Events after the id `after`, or before it when `backwards`. */
  history(name: string, after: number, backwards: boolean, limit: number) {
    const rows = this.#read(backwards ? 'backward' : 'forward', name, after, limit);
    return rows.map((row) => ({ id: Number(row.id), body: JSON.parse(String(row.body)) as Record<string, unknown> }));
  }

  /** Deletes the executions that were closed before `time`. */
  purge(time: number): void {
    this.flush();
    this.#statements.purgeEvents.run(time);
    this.#statements.purge.run(time);
  }

  /** Writes everything that was saved. */
  flush(): void {
    if (!this.#dirty.size && !this.#events.length) return;
    this.#db.exec('begin immediate');
    try {
      for (const event of this.#events) this.#statements.append.run(...event);
      for (const { name, input: _input, startedAt: _startedAt, ...rest } of this.#dirty)
        this.#statements.update.run(...ordered(rest), name);
      this.#db.exec('commit');
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec('rollback');
      throw error;
    }
    this.#dirty.clear();
    this.#events = [];
  }

  close(): void {
    clearImmediate(this.#scheduled);
    clearTimeout(this.#retry);
    try {
      this.flush();
    } finally {
      this.#db.close();
    }
  }

  #flushSoon(): void {
    this.#scheduled ??= setImmediate(() => {
      this.#scheduled = undefined;
      try {
        this.flush();
      } catch (error) {
        this.#log(`step functions: cannot write ${this.#file}, trying again: ${(error as Error).message}`);
        this.#retry = setTimeout(() => this.#flushSoon(), 500).unref();
      }
    });
  }

  #read(statement: keyof ReturnType<typeof prepareStatements>, ...values: (string | number | null)[]) {
    this.flush();
    return this.#statements[statement].all(...values);
  }
}

const prepareStatements = (db: DatabaseSync) =>
  ({
    insert: db.prepare(`insert into executions (${columns}) values (${columns.replace(/[^,]+/g, '?')})`),
    update: db.prepare(
      `update executions set status = ?, output = ?, error = ?, cause = ?, "stoppedAt" = ?, state = ?, "stateInput" = ?,
       "enteredAt" = ?, attempts = ?, task = ?, "lastEvent" = ? where name = ?`,
    ),
    append: db.prepare('insert into events (name, id, body) values (?, ?, ?)'),
    find: db.prepare(`select ${columns} from executions where name = ?`),
    running: db.prepare(`select ${columns} from executions where status = 'RUNNING' order by "startedAt"`),
    list: db.prepare(
      `select ${columns} from executions where (?1 is null or status = ?1) and ("startedAt", name) < (?2, ?3)
       order by "startedAt" desc, name desc limit ?4`,
    ),
    forward: db.prepare('select id, body from events where name = ? and id > ? order by id limit ?'),
    backward: db.prepare('select id, body from events where name = ? and id < ? order by id desc limit ?'),
    purgeEvents: db.prepare('delete from events where name in (select name from executions where "stoppedAt" < ?)'),
    purge: db.prepare('delete from executions where "stoppedAt" < ?'),
  }) satisfies Record<string, StatementSync>;

const fromRow = (row: Record<string, unknown>) =>
  ({ ...row, task: row.task === null ? null : JSON.parse(String(row.task)) }) as Execution;

const ordered = (e: Omit<Execution, 'name' | 'input' | 'startedAt'>) => [
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
  e.lastEvent,
];

function open(file: string): DatabaseSync {
  try {
    // SQLite gives its other files the mode of this one.
    if (file !== ':memory:') closeSync(openSync(file, 'a', 0o600));
    const db = new DatabaseSync(file, { timeout: 1000 });
    // Exclusive: two services on one file would run every execution twice.
    db.exec('pragma locking_mode = exclusive; pragma journal_mode = wal; pragma synchronous = normal');
    db.exec(`begin immediate; ${schema}`);
    // A file from before tasks could wait for a callback.
    if (!db.prepare(`select 1 from pragma_table_info('executions') where name = 'task'`).get())
      db.exec('alter table executions add column task text');
    db.exec('commit');
    return db;
  } catch (cause) {
    const why = /locked|busy/.test(String(cause)) ? 'another process is using it' : (cause as Error).message;
    throw new Error(`The executions in ${file} cannot be opened: ${why}.`, { cause });
  }
}
