import type { Counts } from './loading.ts';
import type { Kind } from './read-rows.ts';

export type Progress = {
  /** How far a kind is. `share` is of the rows that there are, as far as the source can tell. */
  at: (kind: Kind, counts: Counts, share: number | undefined) => void;
  /** Rows a second of each kind, from its first batch to its last. */
  speeds: () => Partial<Record<Kind, number>>;
};

/** A line with a million rows fits 80 columns. */
const width = 24;

/**
 * Shows how far a load is: on a terminal as a bar that is drawn over, elsewhere as a line for each batch.
 * @param draw writes over the last line; undefined where that cannot be
 */
export function showProgress({
  line,
  draw,
  now = () => performance.now(),
}: {
  line: (text: string) => void;
  draw: ((text: string) => void) | undefined;
  now?: () => number;
}): Progress {
  const beganAt = new Map<Kind, number>();
  const speeds: Partial<Record<Kind, number>> = {};
  let last = now();
  return {
    at(kind, counts, share) {
      const since = beganAt.get(kind) ?? last;
      beganAt.set(kind, since);
      last = now();
      const speed = Math.round(counts.rows / Math.max(0.001, (last - since) / 1000));
      speeds[kind] = speed;
      if (draw === undefined) {
        const part = share === undefined ? '' : `, ${Math.floor(share * 100)} %`;
        line(`· ${countsLine(kind, counts)}${part}, ${speed} rows/s`);
        return;
      }
      const full = Math.round((share ?? 0) * width);
      const bar = share === undefined ? '' : `[${'#'.repeat(full)}${'.'.repeat(width - full)}] `;
      draw(`${kind.padEnd(9)} ${bar}${counts.rows} rows, ${counts.rejected} rejected, ${speed} rows/s`);
    },
    speeds: () => speeds,
  };
}

export const countsLine = (kind: string, { rows, added, changed, unchanged, rejected }: Counts): string =>
  `${kind}: ${rows} rows, ${added} added, ${changed} changed, ${unchanged} as before, ${rejected} rejected`;
