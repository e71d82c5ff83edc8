import type { Stopwatch } from '../../kernel/clock.ts';
import type { PaymentGateway } from '../../shop/payments/gateway.ts';
import {
  finishSnapshot,
  type Progress,
  readProgress,
  readSnapshot,
  type SnapshotStore,
  saveProgress,
  saveSnapshotPage,
} from './snapshot.dynamo.ts';

export type SnapshotDeps = {
  gateway: Pick<PaymentGateway, 'provider' | 'listCharges' | 'listRefunded'>;
  store: SnapshotStore;
  stopwatch: Stopwatch;
  /** How many days back the transactions are copied. */
  days: number;
  /** After so long no further page is begun. */
  limitMs: number;
};

const day = 24 * 3600_000;
/** A copy that was begun so long ago is begun anew instead of being finished. */
const staleMs = 6 * 3600_000;
/** However long nobody copied: as far back as the snapshot itself reaches. */
const longest = 90 * day;

/**
 * Copies the provider's transactions of the last days into the snapshot: charges by the time at which they were made, and older
 * ones of which money went back. Goes on where a run that ended early had come to; the copy counts only once it is
 * complete. It reaches back to where the last one ended, so that an outage leaves no gap.
 */
export async function snapshotProviderTransactions({ gateway, store, stopwatch, days, limitMs }: SnapshotDeps) {
  const startedAt = stopwatch.elapsed();
  const counts = { read: 0, written: 0, complete: false };
  let progress = await begin(store, gateway.provider, days);
  while (stopwatch.elapsed() - startedAt < limitMs) {
    const { list, cursor, from, to } = progress;
    const request = { from, to, cursor };
    const page = await (list === 'charges' ? gateway.listCharges(request) : gateway.listRefunded(request));
    counts.read += page.charges.length;
    counts.written += await saveSnapshotPage(store, page.charges, from);
    const next = following(progress, page.cursor);
    if (next === undefined) {
      const { provider, startedAt: begun } = progress;
      await finishSnapshot(store, { provider, from, to, startedAt: begun, completedAt: store.clock.now() });
      return { ...counts, complete: true };
    }
    await saveProgress(store, next);
    progress = next;
  }
  return counts;
}

async function begin(store: SnapshotStore, provider: string, days: number): Promise<Progress> {
  const now = store.clock.now();
  const [left, last] = await Promise.all([readProgress(store), readSnapshot(store)]);
  if (left !== undefined && left.provider === provider && now - left.startedAt < staleMs) return left;
  const back = now - days * day;
  const from =
    last === undefined || last.provider !== provider ? back : Math.max(now - longest, Math.min(back, last.to));
  return { provider, from, to: now, startedAt: now, list: 'charges' };
}

function following({ cursor: _, ...at }: Progress, cursor: string | undefined): Progress | undefined {
  if (cursor !== undefined) return { ...at, cursor };
  return at.list === 'charges' ? { ...at, list: 'refunded' } : undefined;
}
