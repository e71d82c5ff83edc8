import { readFileSync } from 'node:fs';
import type { Mutant, Result } from './mutant.ts';

/** A mutant that no test needs to kill, and why: it changes nothing that anybody could notice. */
export type Accepted = Pick<Mutant, 'part' | 'file' | 'change'> & { why: string };

const list = new URL('survivors.json', import.meta.url);

export const readAccepted = (): Accepted[] => JSON.parse(readFileSync(list, 'utf8')) as Accepted[];

export const keyOf = ({ part, file, change }: Pick<Mutant, 'part' | 'file' | 'change'>): string =>
  `${part} ${file} ${change}`;

export type Verdict = { unexplained: Result[]; explained: (Result & { why: string })[]; stale: Accepted[] };

/**
 * Holds the results against the list. Stale are entries whose mutant was killed, and entries without a mutant among
 * `known`, which are all mutants there are of the parts and files that were looked at.
 */
export function judge(
  results: readonly Result[],
  known: readonly Mutant[],
  isLookedAt: (of: Pick<Mutant, 'part' | 'file'>) => boolean,
  accepted: readonly Accepted[],
): Verdict {
  const reasons = new Map(accepted.map((each) => [keyOf(each), each.why]));
  const there = new Set(known.map(keyOf));
  const lives = results.filter(({ outcome }) => outcome === 'survived' || outcome === 'no-coverage');
  const dead = new Set(results.filter((result) => !lives.includes(result)).map(keyOf));
  return {
    unexplained: lives.filter((result) => !reasons.has(keyOf(result))),
    explained: lives.flatMap((result) => {
      const why = reasons.get(keyOf(result));
      return why === undefined ? [] : [{ ...result, why }];
    }),
    stale: accepted.filter((each) => dead.has(keyOf(each)) || (isLookedAt(each) && !there.has(keyOf(each)))),
  };
}
