import { closeSync, openSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';

/** An event on its way to a rule's target. Times are milliseconds since the epoch; the event is JSON text. */
export type Delivery = { id: number; rule: string; event: string; attempts: number; due: number };

/** One that could not be delivered. */
export type Parked = Delivery & { error: string };

const schema = `
  create table if not exists deliveries (
    id integer primary key autoincrement, rule text not null, event text not null, attempts integer not null default 0,
    due real not null, error text
  ) strict;
  create index if not exists deliveries_due on deliveries (rule, due) where error is null;`;

/**
 * The deliveries of a bus in one SQLite file. What `add` has returned from survives the process. A crash of the machine may take
 * the last moments, and with them events that EventBridge would have kept.
 */
export class BusStore {
  readonly #db: DatabaseSync;
  readonly #statements: ReturnType<typeof prepare>;
  #done: number[] = [];
  #scheduled: NodeJS.Immediate | undefined;

  constructor(file: string) {
    // SQLite gives its other files the same rights: events name customers by their ids.
    if (file !== ':memory:') closeSync(openSync(file, 'a', 0o600));
    this.#db = new DatabaseSync(file);
    this.#db.exec(`pragma journal_mode = wal; pragma synchronous = normal; pragma busy_timeout = 5000; ${schema}`);
    this.#statements = prepare(this.#db);
  }

  /** @returns the ids of the deliveries, in their order */
  add(deliveries: readonly { rule: string; event: string; due: number }[]): number[] {
    return this.#write(() =>
      deliveries.map(({ rule, event, due }) => Number(this.#statements.add.run(rule, event, due).lastInsertRowid)),
    );
  }

  /** The oldest that are due, without those that are under way. */
  due(rule: string, now: number, limit: number): Delivery[] {
    this.#flush();
    return this.#statements.due.all(rule, now, limit) as Delivery[];
  }

  /** When the next one of any rule is due; undefined when nothing waits. */
  next(): number | undefined {
    this.#flush();
    return (this.#statements.next.get() as { due: number | null }).due ?? undefined;
  }

  /** Written at the end of the turn, together with others: a crash before that delivers them once more. */
  done(id: number): void {
    this.#done.push(id);
    this.#scheduled ??= setImmediate(() => this.#flush());
  }

  later(id: number, due: number): void {
    this.#statements.later.run(due, id);
  }

  park(id: number, error: string): void {
    this.#statements.park.run(error, id);
  }

  parked(): Parked[] {
    return this.#statements.parked.all() as Parked[];
  }

  /** Delivers what is parked once more. @returns how many */
  redrive(now: number): number {
    return Number(this.#statements.redrive.run(now).changes);
  }

  close(): void {
    try {
      this.#flush();
    } finally {
      this.#db.close();
    }
  }

  #flush(): void {
    if (this.#done.length > 0) this.#write(() => {});
  }

  /** One transaction for `work` and what is done by now. */
  #write<T>(work: () => T): T {
    clearImmediate(this.#scheduled);
    this.#scheduled = undefined;
    this.#db.exec('begin immediate');
    try {
      for (const id of this.#done) this.#statements.done.run(id);
      const result = work();
      this.#db.exec('commit');
      this.#done = [];
      return result;
    } catch (error) {
      this.#db.exec('rollback');
      throw error;
    }
  }
}

const prepare = (db: DatabaseSync) => ({
  add: db.prepare('insert into deliveries (rule, event, due) values (?, ?, ?)'),
  due: db.prepare(
    'select id, rule, event, attempts, due from deliveries where rule = ? and error is null and due <= ? order by due, id limit ?',
  ),
  next: db.prepare('select min(due) as due from deliveries where error is null'),
  done: db.prepare('delete from deliveries where id = ?'),
  later: db.prepare('update deliveries set attempts = attempts + 1, due = ? where id = ?'),
  park: db.prepare('update deliveries set attempts = attempts + 1, error = ? where id = ?'),
  parked: db.prepare(
    'select id, rule, event, attempts, due, error from deliveries where error is not null order by id',
  ),
  redrive: db.prepare('update deliveries set error = null, attempts = 0, due = ? where error is not null'),
});
