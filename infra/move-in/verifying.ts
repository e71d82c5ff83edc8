import type { Clock } from '../../lib/kernel/clock.ts';
import type { Sql } from '../../lib/platform/sql.ts';
import type { Mapping } from './mapping.ts';
import type { Kind } from './read-rows.ts';

/** Something that is here otherwise than in the files; `id` is that of the previous shop. */
export type Difference = { kind: Kind; id: string; what: string };
export type Verifying = {
  sql: Sql;
  mapping: Mapping;
  clock: Clock;
  /** How many orders are compared field by field; the others by customer, status and total. */
  samples: number;
  differ: (kind: Kind, id: string, what: string) => void;
};
