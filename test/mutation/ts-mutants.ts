import { readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { Stryker } from '@stryker-mutator/core';
import { folderOf, testsOf } from './cover.ts';
import { brief, distinct, type Outcome, type Result } from './mutant.ts';

type StrykerMutant = Awaited<ReturnType<Stryker['runMutationTest']>>[number];

/** A mutant with which a module does not load fails every test of it: Stryker calls that a runtime error. */
const outcomes: Partial<Record<StrykerMutant['status'], Outcome>> = {
  Killed: 'killed',
  Timeout: 'timeout',
  Survived: 'survived',
  NoCoverage: 'no-coverage',
  RuntimeError: 'killed',
  CompileError: 'invalid',
};

/**
 * What names and shapes things, and guards nothing: without these, what is changed is what is decided, compared, counted
 * and left out.
 */
const excludedMutations = ['StringLiteral', 'ObjectLiteral', 'ArrayDeclaration'];

/** Lets Stryker change the TypeScript of these files, with the tests of each: it finds out which cover what. */
export async function tryTypeScript(files: readonly string[], jobs: number): Promise<Result[]> {
  const results: Result[] = [];
  for (const group of Object.values(Object.groupBy(files, (file) => testsOf(file).flat().join(' ')))) {
    results.push(...(await tryTogether(group!, jobs)));
  }
  return results;
}

/**
 * A mutant of what runs while a module is loaded is tried with all tests of the group. Not by Stryker's `testFiles`:
 * with them it lets such a mutant live only after its module was loaded, when it changes nothing any more.
 */
async function tryTogether(files: readonly string[], jobs: number): Promise<Result[]> {
  process.env.MUTATION_TESTS = testsOf(files[0]!).flat().join(' ');
  const mutants = await new Stryker({
    mutate: [...files],
    mutator: { excludedMutations },
    testRunner: 'vitest',
    plugins: ['@stryker-mutator/vitest-runner'],
    vitest: { configFile: 'test/mutation/vitest.config.ts', related: false },
    coverageAnalysis: 'perTest',
    concurrency: jobs,
    // Its check of the settings needs a compiler that TypeScript 7 is not; types are stripped, not compiled.
    tsconfigFile: 'no-tsconfig.json',
    disableTypeChecks: false,
    // A busy machine is no hang.
    timeoutMS: 20_000,
    incremental: true,
    incrementalFile: '.local/mutation/stryker.json',
    tempDirName: '.local/mutation/stryker',
    ignorePatterns: ['.local', 'cdk.out'],
    reporters: ['progress-append-only'],
    allowConsoleColors: false,
    thresholds: { break: null },
  }).runMutationTest();
  const results = mutants.flatMap((mutant): Result[] => {
    const outcome = outcomes[mutant.status];
    const { file, line, from, isStatement } = place(mutant);
    // A statement blanked as a whole says nothing about its guards: they are tried one by one elsewhere.
    // What an earlier run found of other files is remembered too.
    if (outcome === undefined || isStatement || !files.includes(file)) return [];
    return [
      {
        part: 'ts',
        folder: folderOf(file),
        file,
        line,
        change: `${mutant.mutatorName}: ${brief(from)} → ${brief(mutant.replacement) || 'nothing'}`,
        outcome,
        by: mutant.statusReason,
      },
    ];
  });
  return results.length === 0 ? [] : perFile(results);
}

/** What is changed. Stryker counts lines and columns from 1. */
function place({ fileName, location }: StrykerMutant) {
  const lines = readFileSync(fileName, 'utf8').split('\n');
  const { start, end } = location;
  const within = lines.slice(start.line - 1, end.line);
  const last = within.length - 1;
  within[last] = within[last]!.slice(0, end.column - 1);
  within[0] = within[0]!.slice(start.column - 1);
  const before = lines[start.line - 1]!.slice(0, start.column - 1);
  return {
    file: relative(process.cwd(), fileName),
    line: start.line,
    from: within.join('\n'),
    isStatement: within[0]!.startsWith('`') && /\b(?:sql|tx)(?:<.*>)?$/.test(before),
  };
}

const perFile = (results: readonly Result[]): Result[] =>
  Object.values(Object.groupBy(results, ({ file }) => file)).flatMap((group) =>
    distinct([...group!].sort((a, b) => a.line - b.line)),
  );
