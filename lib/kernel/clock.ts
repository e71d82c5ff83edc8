/** Source of the current time. All code takes it from a clock, so that tests can set it. */
export type Clock = {
  /** Milliseconds since the Unix epoch. */
  now(): number;
};

/** The machine's own clock. */
export const systemClock: Clock = { now: () => Date.now() };

/** Measures durations in real time. Setting or moving a clock does not change them. */
export type Stopwatch = {
  /** Whole milliseconds since a fixed moment in the past. */
  elapsed(): number;
};

/** The machine's own stopwatch. */
export const stopwatch: Stopwatch = { elapsed: () => Math.round(performance.now()) };

/** Formats milliseconds since the epoch by RFC 3339, in UTC, with milliseconds. */
export const toTimestamp = (ms: number): string => new Date(ms).toISOString();

/** Milliseconds since the epoch as whole seconds, the unit of DynamoDB's TTL attributes. */
export const toEpochSeconds = (ms: number): number => Math.floor(ms / 1000);
