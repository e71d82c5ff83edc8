import recorded from './usage.json' with { type: 'json' };

/**
 * What one confirmed order asks of AWS, on average: a `POST` that waits, one `GET`, its saga, its events, its share of the
 * records of accesses. Measured on a whole stack by `npm run bench -- --part usage --record`.
 */
export type Usage = {
  requests: number;
  invocations: number;
  /** Of Lambda at the memory of each function. */
  gbSeconds: number;
  transitions: number;
  dynamoReads: number;
  dynamoWrites: number;
  events: number;
  logBytes: number;
  /** Processor time of PostgreSQL, in milliseconds. */
  databaseMs: number;
  /** What its rows and their indexes add to the database, in bytes. */
  rowBytes: number;
};

/** The last measurement that was recorded. */
export const usage: Usage & { measuredAt: string } = recorded;
