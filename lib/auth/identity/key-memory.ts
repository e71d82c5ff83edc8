import type { Stopwatch } from '../../kernel/clock.ts';
import { DependencyUnavailable } from '../../kernel/errors.ts';
import type { PublicKey, PublicKeys } from './public-keys.ts';

/** How long an issuer's keys serve from memory, in milliseconds. */
export const keyTimes = {
  /** Read anew after so long. */
  fresh: 5 * 60_000,
  /** Serve on for so long when they cannot be read anew. */
  atMost: 60 * 60_000,
  /** A key that is not known is asked for again after so long, whoever asks and for whatever key. */
  unknown: 10_000,
  /** Where keys are kept is asked again after so long when it did not answer, or has none yet. */
  failed: 1000,
};

export type KeyMemory = {
  /**
   * The key with this id, undefined when the issuer has none such.
   * @throws DependencyUnavailable when no keys can be had
   */
  find(kid: string): Promise<PublicKey | undefined>;
};

/**
 * One issuer's keys as this process read them last. However many ask at once, they are read once; `onChange` is told
 * whenever they are not what they were.
 */
export function createKeyMemory(
  read: () => Promise<PublicKeys | undefined>,
  { stopwatch, onChange = () => {} }: { stopwatch: Stopwatch; onChange?: (keys: PublicKeys) => void },
): KeyMemory {
  let held: { keys: PublicKeys; text: string; readAt: number } | undefined;
  let reading: Promise<void> | undefined;
  let notBefore = Number.NEGATIVE_INFINITY;
  let failure: unknown;

  const age = () => (held === undefined ? Number.POSITIVE_INFINITY : stopwatch.elapsed() - held.readAt);
  const known = (kid: string) => held?.keys.keys.find((key) => key.kid === kid);

  async function readAnew(): Promise<void> {
    try {
      const keys = await read();
      if (keys === undefined) throw new DependencyUnavailable('identity');
      const text = JSON.stringify(keys);
      if (held !== undefined && held.text !== text) onChange(keys);
      held = { keys, text, readAt: stopwatch.elapsed() };
      failure = undefined;
      notBefore = stopwatch.elapsed() + keyTimes.unknown;
    } catch (error) {
      failure = error;
      notBefore = stopwatch.elapsed() + keyTimes.failed;
    }
  }

  return {
    async find(kid) {
      const key = known(kid);
      if (key !== undefined && age() < keyTimes.fresh) return key;
      if (stopwatch.elapsed() >= notBefore || reading !== undefined) {
        reading ??= readAnew().finally(() => {
          reading = undefined;
        });
        await reading;
      }
      if (failure === undefined) return known(kid);
      if (age() < keyTimes.atMost && known(kid) !== undefined) return known(kid);
      throw failure;
    },
  };
}
