import type { Sql } from 'postgres';
import { correlationId } from '../kernel/correlation.ts';

/** Which statements name the API request that they are for. */
export type Commented = 'none' | 'sampled' | 'all';

/** One request in so many is sampled, with its saga and the consumers of its events. */
const sampleOf = 100;

/** A statement of postgres.js, as far as it is used. */
type Statement = { strings: readonly string[]; options: { prepare?: boolean }; executed: boolean; handle(): unknown };

/**
 * Ends the statements of some requests with a comment in the form of sqlcommenter, so that PostgreSQL's sessions and its log of slow
 * statements name the request. A comment makes each statement a new text, which cannot be prepared once for all: such a statement is
 * sent unprepared, and takes a second round trip.
 */
export const withComments = (sql: Sql, which: Commented): Sql => (which === 'none' ? sql : commenting(sql, which));

function commenting<T extends object>(sql: T, which: 'sampled' | 'all'): T {
  return new Proxy(sql, {
    apply(target, self, args) {
      const made = Reflect.apply(target as unknown as (...args: unknown[]) => unknown, self, args);
      const id = correlationId();
      if (id !== undefined && made instanceof Promise && (which === 'all' || isSampled(id)))
        addComment(made as unknown as Statement, ` /*correlation_id='${id}'*/`);
      return made;
    },
    get(target, name, receiver) {
      const value = Reflect.get(target, name, receiver);
      if (name !== 'begin' && name !== 'savepoint') return value;
      // The last argument is what runs inside, with a handle of its own.
      return (...args: unknown[]) => {
        const work = args.pop() as (tx: object) => unknown;
        return (value as (...args: unknown[]) => unknown)(...args, (tx: object) => work(commenting(tx, which)));
      };
    },
  });
}

/** Fragments are never sent by themselves, so the comment waits until the statement is. */
function addComment(statement: Statement, comment: string): void {
  const { handle } = statement;
  statement.handle = function () {
    if (!this.executed) {
      this.strings = this.strings.with(-1, `${this.strings.at(-1)}${comment}`);
      this.options.prepare = false;
    }
    return handle.call(this);
  };
}

/** The same for every function that works for a request. */
export function isSampled(id: string): boolean {
  let hash = 0;
  for (let i = 0; i < id.length; i++) hash = (Math.imul(hash, 31) + id.charCodeAt(i)) | 0;
  return (hash >>> 0) % sampleOf === 0;
}
