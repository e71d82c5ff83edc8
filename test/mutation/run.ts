import { mkdirSync, writeFileSync } from 'node:fs';
import { matchesGlob } from 'node:path';
import { parseArgs } from 'node:util';
import { aslMutants } from './asl-mutants.ts';
import { sourceFiles } from './cover.ts';
import { databaseMutants } from './database-mutants.ts';
import { keyMutants } from './key-mutants.ts';
import { type Lab, openLab } from './lab.ts';
import type { Mutant, Result, TrialMutant } from './mutant.ts';
import { toMarkdown } from './report.ts';
import { sqlMutants } from './sql-mutants.ts';
import { judge, readAccepted } from './survivors.ts';
import { tryTypeScript } from './ts-mutants.ts';

const parts = ['sql', 'database', 'asl', 'keys', 'ts'] as const;
type Part = (typeof parts)[number];

const usage = `npm run test:mutation -- [--only ${parts.join('|')}]… [--file GLOB]… [--sample N [--seed S]] [--jobs N] [--list]

Takes one guard at a time out of a copy of the project and runs the tests that cover it.

  --only PART  sql: conditions, locks and the like of the statements in *.sql.ts
               database: triggers, constraints, functions and views of the migrated database
               asl: retries, catches, time limits and choices of the state machine
               keys: idempotency keys of provider calls, conditions of DynamoDB writes
               ts: everything else of the TypeScript, by Stryker
  --file GLOB  only of these files
  --match TEXT only those whose change has this text in it, as the report names it
  --sample N   only N of them, drawn by a seed that is printed; without the part ts
  --list       prints them and tries none

Writes .local/mutation/report.md and report.json. Ends with 1 when a mutant lives that test/mutation/survivors.json
does not explain, or when that file explains one that does not live.
`;

async function main(): Promise<boolean> {
  const options = readArguments();
  if (options === undefined) return true;
  const { only, isWanted, isMatch, sample, seed, jobs } = options;
  const lab = await openLab(jobs);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void lab.close().finally(() => process.exit(1)));
  }
  try {
    const all = await allMutants(lab, only);
    const known = all.filter(({ file }) => isWanted(file));
    if (options.list) {
      for (const { file, line, change } of known.filter(isMatch)) console.log(`${file}:${line} ${change}`);
      return true;
    }
    if (sample !== undefined) console.log(`${sample} of ${known.length} mutants, drawn by --seed ${seed}`);
    const matching = known.filter(isMatch);
    const chosen = sample === undefined ? matching : shuffle(matching, seed).slice(0, sample);
    const results = await tryAll(lab, chosen, jobs);
    const mutants: Mutant[] = [...known];
    if (only.includes('ts')) {
      const typed = (await tryTypeScript(sourceFiles().filter(isWanted), jobs)).filter(isMatch);
      results.push(...typed);
      mutants.push(...typed);
    }
    const verdict = judge(results, mutants, ({ part, file }) => only.includes(part) && isWanted(file), readAccepted());
    const text = toMarkdown(results, verdict);
    mkdirSync('.local/mutation', { recursive: true });
    writeFileSync('.local/mutation/report.md', `${text}\n`);
    writeFileSync('.local/mutation/report.json', `${JSON.stringify({ results, ...verdict }, null, 2)}\n`);
    console.log(`\n${text}\n`);
    const invalid = results.some(({ outcome }) => outcome === 'invalid');
    return verdict.unexplained.length === 0 && verdict.stale.length === 0 && !invalid;
  } finally {
    await lab.close();
  }
}

function readArguments() {
  const { values } = parseArgs({
    options: {
      only: { type: 'string', multiple: true },
      file: { type: 'string', multiple: true },
      match: { type: 'string', multiple: true },
      sample: { type: 'string' },
      seed: { type: 'string' },
      jobs: { type: 'string', default: '2' },
      list: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const wrong = values.only?.find((name) => !(parts as readonly string[]).includes(name));
  if (values.help || wrong !== undefined) {
    console.log(usage);
    if (wrong !== undefined) throw new Error(`there is no part ${wrong}`);
    return undefined;
  }
  const sample = values.sample === undefined ? undefined : Number(values.sample);
  const fast = parts.filter((name) => name !== 'ts' || sample === undefined);
  return {
    only: (values.only as Part[] | undefined) ?? fast,
    isWanted: (file: string) => values.file?.some((glob) => matchesGlob(file, glob)) ?? true,
    isMatch: ({ change }: Mutant) => values.match?.some((text) => change.includes(text)) ?? true,
    sample,
    seed: Number(values.seed ?? Math.floor(Math.random() * 2 ** 31)),
    jobs: Number(values.jobs),
    list: values.list,
  };
}

async function allMutants(lab: Lab, only: readonly Part[]): Promise<TrialMutant[]> {
  const files = sourceFiles();
  const mutants: TrialMutant[] = [];
  if (only.includes('sql')) mutants.push(...files.filter((file) => file.endsWith('.sql.ts')).flatMap(sqlMutants));
  if (only.includes('database')) {
    const sql = lab.owner();
    mutants.push(...(await databaseMutants(sql)));
    await sql.end();
  }
  if (only.includes('asl')) mutants.push(...aslMutants());
  if (only.includes('keys')) mutants.push(...files.flatMap(keyMutants));
  return mutants;
}

async function tryAll(lab: Lab, mutants: readonly TrialMutant[], jobs: number): Promise<Result[]> {
  await lab.baseline([...new Set(mutants.flatMap(({ tests }) => tests.flat()))]);
  const results: Result[] = [];
  const queue = mutants.values();
  await Promise.all(
    Array.from({ length: jobs }, async (_, slot) => {
      for (const mutant of queue) {
        const { part, folder, file, line, change } = mutant;
        const result = { part, folder, file, line, change, ...(await lab.trial(mutant, slot)) };
        results.push(result);
        console.log(`${results.length}/${mutants.length} ${result.outcome} ${file}:${line} ${change}`);
      }
    }),
  );
  return results;
}

/** Fisher and Yates, by the generator mulberry32. */
function shuffle<T>(items: readonly T[], seed: number): T[] {
  const all = [...items];
  let state = seed;
  for (let i = all.length - 1; i > 0; i -= 1) {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    const j = Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * (i + 1));
    [all[i], all[j]] = [all[j]!, all[i]!];
  }
  return all;
}

process.exitCode = (await main()) ? 0 : 1;
