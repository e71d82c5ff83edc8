const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;

/** How long after each failed attempt the next one is due. The first attempt is made at once. */
const delays = [5 * second, 5 * minute, 30 * minute, 2 * hour, 5 * hour, 10 * hour, 14 * hour, 20 * hour, 24 * hour];

/** Attempts of one delivery. */
export const mostAttempts = delays.length + 1;

/** An endpoint that has not taken anything for this long is disabled. */
export const failingForMs = 3 * 24 * hour;

/**
 * How long to wait after `attempts` failed attempts, in milliseconds, with up to a tenth more, so that what failed together does
 * not come again together; undefined when that was the last one.
 * @param random from 0 to 1
 */
export function nextDelay(attempts: number, random: number): number | undefined {
  const delay = delays[attempts - 1];
  return delay === undefined ? undefined : Math.round(delay * (1 + random / 10));
}
