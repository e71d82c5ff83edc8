/** A change that takes a guard away. */
export type Mutant = {
  part: 'sql' | 'database' | 'asl' | 'keys' | 'ts';
  /** What its score counts for. */
  folder: string;
  /** A path from the root of the project. */
  file: string;
  /** 0 for what no line makes alone. */
  line: number;
  /** What is changed and where, in words that stay the same when lines move. Unique within its file and part. */
  change: string;
};

/** A mutant that is tried by running tests on a changed copy of the project, or on a changed database. */
export type TrialMutant = Mutant & {
  apply: { text: string } | { statements: readonly string[] };
  /** Test files by turns: each turn is one run of vitest, and the first failure ends the trial. */
  tests: readonly (readonly string[])[];
};

export type Outcome = 'killed' | 'timeout' | 'survived' | 'no-coverage' | 'invalid';

export type Result = Mutant & {
  outcome: Outcome;
  /** The first test that failed, or why the mutant is invalid. */
  by?: string | undefined;
};

/** Part of a text that is put in the place of another. */
export type Edit = { start: number; end: number; text: string };

export const edit = (text: string, { start, end, text: replacement }: Edit): string =>
  text.slice(0, start) + replacement + text.slice(end);

export const lineAt = (text: string, position: number): number => text.slice(0, position).split('\n').length;

/** One line of at most 100 characters, cut in the middle. */
export function brief(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length <= 100 ? line : `${line.slice(0, 60)} … ${line.slice(-37)}`;
}

/** Numbers the second and later of those that read the same. */
export function distinct<T extends { change: string }>(mutants: readonly T[]): T[] {
  const seen = new Map<string, number>();
  return mutants.map((mutant) => {
    const count = (seen.get(mutant.change) ?? 0) + 1;
    seen.set(mutant.change, count);
    return count === 1 ? mutant : { ...mutant, change: `${mutant.change} (${count})` };
  });
}
