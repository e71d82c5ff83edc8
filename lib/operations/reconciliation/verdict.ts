import type { FindingKind } from '../../contract/api/findings.ts';
import type { CompensatingInput } from '../../saga/inputs.ts';

/** A repair that is certain. Its key is unique for ever, so it is made once. */
export type Repair =
  | { kind: 'refund-orphaned-charge'; key: string; input: CompensatingInput; ifSagaRan: boolean }
  | { kind: 'release-stock'; key: string; orderId: string };

export type Problem = {
  /** Both sides' numbers, and ids; no personal data. */
  details: Record<string, unknown>;
  /** What to do, in one sentence. */
  advice: string;
  repair?: Repair;
};

/** What a comparison came to for one thing: a problem, or that there is none of this kind. */
export type Verdict = { kind: FindingKind; subject: string; problem?: Problem };

export const verdict = (kind: FindingKind, subject: string, problem?: Problem): Verdict =>
  problem === undefined ? { kind, subject } : { kind, subject, problem };
