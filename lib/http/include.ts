import { DeadlineExceeded } from '../kernel/deadline.ts';

/** A part of an answer that did not come, and why. */
export type Missing<Part extends string> = { part: Part; reason: 'timed-out' | 'unavailable' };

/** Asks another room for a part of an answer. Rejects after so many milliseconds. */
export type AskRoom = (milliseconds: number) => Promise<unknown>;

type Answers<Rooms extends Record<string, AskRoom>> = {
  [Part in keyof Rooms]: Awaited<ReturnType<Rooms[Part]>> | null;
};

/**
 * Asks rooms for what is to be included in an answer, all at the same time, in what is left of the answer's time. A part
 * whose room fails or is too slow is null and named in `missing`: the answer never fails with a room.
 * @param until on the stopwatch, in milliseconds
 */
export async function includeParts<Part extends string, Rooms extends Record<Part, AskRoom>>(
  rooms: Rooms,
  {
    until,
    elapsed,
    onMissing,
  }: { until: number; elapsed: () => number; onMissing: (missing: Missing<Part>, error: unknown) => void },
): Promise<{ included: Answers<Rooms>; missing: Missing<Part>[] }> {
  const milliseconds = until - elapsed();
  const missing: Missing<Part>[] = [];
  const parts = (Object.keys(rooms) as Part[]).map(async (part) => {
    try {
      if (milliseconds <= 0) throw new DeadlineExceeded(0);
      return [part, await rooms[part](milliseconds)];
    } catch (error) {
      const one: Missing<Part> = { part, reason: error instanceof DeadlineExceeded ? 'timed-out' : 'unavailable' };
      missing.push(one);
      onMissing(one, error);
      return [part, null];
    }
  });
  const included = Object.fromEntries(await Promise.all(parts)) as Answers<Rooms>;
  return { included, missing: missing.toSorted((a, b) => a.part.localeCompare(b.part)) };
}
