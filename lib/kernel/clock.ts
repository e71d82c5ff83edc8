/** Source of time. Everything that needs the present asks a clock, so tests can move it. */
export type Clock = {
  /** Milliseconds since the Unix epoch. */
  now(): number;
};

/** The machine's own clock. */
export const systemClock: Clock = { now: () => Date.now() };

/**
 * How long something takes or may take, as it passes on the machine: setting or moving a clock neither lengthens nor ends
 * it.
 */
export type Stopwatch = {
  /** Whole milliseconds since some time in the past. */
  elapsed(): number;
};

/** The machine's own stopwatch. */
export const stopwatch: Stopwatch = { elapsed: () => Math.round(performance.now()) };

/** RFC 3339 UTC, with milliseconds, of a time in milliseconds since the epoch. */
export const toTimestamp = (ms: number): string => new Date(ms).toISOString();

/** Seconds since the epoch, as DynamoDB TTL attributes want them. */
export const toEpochSeconds = (ms: number): number => Math.floor(ms / 1000);
