import { accessPattern } from '../lib/contract/deploy/access-pattern.ts';
import type { DatabaseRole } from '../lib/contract/deploy/roles.ts';

/** A handler that is handed lines which other handlers print. */
export type Stream = {
  name: string;
  /** File under functions/, without its ending. */
  handler: string;
  /** Whose lines: those of every handler of the HTTP table. */
  from: 'http';
  /** Which of them, in the filter language of CloudWatch Logs. */
  pattern: string;
  databaseRole: DatabaseRole | null;
  timeoutSeconds: number;
  /** At most so many batches at once, to spare the database; the others wait. */
  atOnce: number;
};

const rows = {
  'record-access': {
    handler: 'streams/record-access',
    from: 'http',
    pattern: accessPattern,
    databaseRole: 'audit_writer',
    timeoutSeconds: 30,
    atOnce: 5,
  },
} as const satisfies Record<string, Omit<Stream, 'name'>>;

export type StreamName = keyof typeof rows;

/** THE stream table: lines of logs → handler, database role. */
export const streams = Object.fromEntries(
  Object.entries(rows).map(([name, row]) => [name, { name, ...row }]),
) as unknown as Readonly<Record<StreamName, Stream>>;
