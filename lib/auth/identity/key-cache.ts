import type { Stopwatch } from '../../kernel/clock.ts';
import { DependencyUnavailable } from '../../kernel/errors.ts';
import type { PublicKey, PublicKeys } from './public-keys.ts';

/** Times of the key cache, in milliseconds. */
export const keyCacheTimes = {
  /** Keys are read again when they are this old. */
  fresh: 5 * 60_000,
  /** Keys that cannot be read again are used until they are this old. */
  stale: 60 * 60_000,
  /** After a successful read, an unknown key id causes another read only after this time. */
  unknown: 10_000,
  /** After a failed read, the next one is made only after this time. */
  failed: 1000,
};

export type KeyCache = {
  /**
   * The key with this id; undefined when the issuer has no such key.
   * @throws DependencyUnavailable when the keys cannot be read
   */
  find(kid: string): Promise<PublicKey | undefined>;
};

/**
 * Caches the keys of one issuer in the process. Concurrent calls share one read. `onChange` is called whenever a read
 * returns other keys than the one before.
 */
export function createKeyCache(
  read: () => Promise<PublicKeys | undefined>,
  { stopwatch, onChange = () => {} }: { stopwatch: Stopwatch; onChange?: (keys: PublicKeys) => void },
): KeyCache {
  let held: { keys: PublicKeys; text: string; readAt: number } | undefined;
  let reading: Promise<void> | undefined;
  let notBefore = Number.NEGATIVE_INFINITY;
  let failure: unknown;

  const age = () => (held === undefined ? Number.POSITIVE_INFINITY : stopwatch.elapsed() - held.readAt);
  const known = (kid: string) => held?.keys.keys.find((key) => key.kid === kid);

  async function refresh(): Promise<void> {
    try {
      const keys = await read();
      if (keys === undefined) throw new DependencyUnavailable('identity');
      const text = JSON.stringify(keys);
      if (held !== undefined && held.text !== text) onChange(keys);
      held = { keys, text, readAt: stopwatch.elapsed() };
      failure = undefined;
      notBefore = stopwatch.elapsed() + keyCacheTimes.unknown;
    } catch (error) {
      failure = error;
      notBefore = stopwatch.elapsed() + keyCacheTimes.failed;
    }
  }

  return {
    async find(kid) {
      const key = known(kid);
      if (key !== undefined && age() < keyCacheTimes.fresh) return key;
      if (stopwatch.elapsed() >= notBefore || reading !== undefined) {
        reading ??= refresh().finally(() => {
          reading = undefined;
        });
        await reading;
      }
      if (failure === undefined) return known(kid);
      if (age() < keyCacheTimes.stale && known(kid) !== undefined) return known(kid);
      throw failure;
    },
  };
}
