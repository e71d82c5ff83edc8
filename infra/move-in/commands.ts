import { mkdir, writeFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { type Clock, systemClock } from '../../lib/kernel/clock.ts';
import type { Sql } from '../../lib/platform/sql.ts';
import { type Assessment, assessShop } from './assess.ts';
import { assessmentPage } from './assessment-page.ts';
import { backOut } from './back-out.ts';
import type { CommandLine } from './command-line.ts';
import { checkHooks, cutOver } from './cut-over.ts';
import { findRehearsal, findSwitched } from './cut-overs.ts';
import { databaseSources, isDatabase } from './databases.ts';
import { draftLines, draftMapping } from './draft-mapping.ts';
import { draftQueries } from './draft-queries.ts';
import { MoveInRefused } from './errors.ts';
import { type Estimate, estimateLines, measure } from './estimate.ts';
import { loadShop, rejectedFile } from './load.ts';
import { type Mapping, readMapping } from './mapping.ts';
import { countsLine, type Progress, showProgress } from './progress.ts';
import { findSources, type Source } from './read-rows.ts';
import { writeTestShop } from './test-shop.ts';
import { type Verification, verifyShop } from './verify.ts';

export type Print = {
  out: (line: string) => void;
  err: (line: string) => void;
  /** Writes over the last line, where that can be. */
  draw?: ((line: string) => void) | undefined;
};
/** `ownPrefix` is that of the numbers of new orders. */
export type Stage = { open: () => Sql; ownPrefix: () => string; sourcePassword?: string | undefined };
type Run = CommandLine & Stage & { print: Print; clock: Clock };
/** @returns the exit code: 0 done, 1 different */
type Command = (run: Run) => Promise<number>;

export const commands: Record<CommandLine['command'], Command> = {
  assess: async (run) => {
    const { folder, out, print, clock } = run;
    const mapping = await readMapping(run.mapping);
    const sources = await openSources(folder, mapping, run);
    const report = await assessShop(sources, mapping, new Date(clock.now()));
    if (run.measure) report.estimate = await estimateOf(run, sources, report);
    await write(out, 'assessment.json', `${JSON.stringify(report, null, 2)}\n`);
    await write(out, 'assessment.html', assessmentPage(report));
    for (const { kind, rows, fitting } of report.files)
      print.out(`${kind}: ${rows} rows, ${rows - fitting} of them do not fit`);
    if (report.estimate !== null) for (const line of estimateLines(report.estimate)) print.out(line);
    print.out(`See ${join(out, 'assessment.html')}.`);
    return 0;
  },
  load: ({ folder, out, print, clock, ...run }) =>
    connected(run, async (sql, mapping) => {
      const switched = await findSwitched(sql, mapping.source);
      if (switched !== undefined)
        throw new MoveInRefused(
          `${mapping.source} was cut over at ${switched.switchedAt?.toISOString()}: a load would write over what has changed here since.`,
        );
      const progress = progressOn(print);
      const counts = await loadShop({
        sql,
        sources: await openSources(folder, mapping, run),
        out,
        mapping,
        clock,
        onBatch: progress.at,
      });
      print.out(`· rows a second: ${speedsOf(progress)}`);
      for (const [kind, all] of Object.entries(counts)) print.out(countsLine(kind, all));
      if (Object.values(counts).some(({ rejected }) => rejected > 0))
        print.out(`See ${rejectedFile(out)} for the rows that were rejected.`);
      return 0;
    }),
  verify: ({ folder, out, samples, print, clock, ...run }) =>
    connected(run, async (sql, mapping) => {
      const verification = await verifyShop({
        sql,
        sources: await openSources(folder, mapping, run),
        mapping,
        samples,
        clock,
      });
      return tell(verification, out, print);
    }),
  'cut-over': ({ folder, out, samples, hooks, rehearse, frozen, within, allow, print, clock, ...run }) =>
    connected(run, async (sql, mapping) => {
      checkHooks(hooks, { frozen, rehearse });
      const rehearsal = await findRehearsal(sql, mapping.source);
      if (rehearsal !== undefined)
        print.out(`The last rehearsal took ${rehearsal.closedSeconds} s, on ${rehearsal.startedAt.toISOString()}.`);
      const open = (): Promise<readonly Source[]> => openSources(folder, mapping, run);
      const { closedSeconds, verification } = await cutOver({
        ...{ sql, mapping, clock, open, folder, out, samples, hooks, rehearse, within, allow },
        onBatch: progressOn(print).at,
        onStep: ({ step, seconds }) => print.out(`${step}: ${seconds} s`),
      });
      await tell(verification, out, print);
      print.out(
        rehearse
          ? `Rehearsed: the old shop would be closed for ${closedSeconds} s, besides the time of --freeze, --export and --switch.`
          : `Cut over: this shop sells now. Nobody sold anything for ${closedSeconds} s.`,
      );
      return 0;
    }),
  'back-out': ({ folder, hooks, print, clock, ...run }) =>
    connected(run, async (sql, mapping) => {
      const { newCustomers, changedCustomers } = await backOut({ sql, clock, source: mapping.source, folder, hooks });
      print.out('The old shop sells again. What moved in stays, and the next load goes on from it.');
      if (newCustomers + changedCustomers > 0)
        print.out(`The old shop does not know of ${newCustomers} new customers and ${changedCustomers} changed ones.`);
      return 0;
    }),
  map: async ({ folder, out, print, sourcePassword }) => {
    const drafted = isDatabase(folder) ? await draftQueries(folder, sourcePassword) : undefined;
    const sources = drafted ? await databaseSources(folder, drafted, sourcePassword) : await findSources(folder);
    const draft = await draftMapping(sources, nameOf(isDatabase(folder) ? new URL(folder).pathname : folder));
    const mapping = { ...draft.mapping, ...(drafted && { queries: drafted.queries }) };
    await write(out, 'mapping.json', `${JSON.stringify(mapping, null, 2)}\n`);
    for (const [kind, query] of Object.entries(drafted?.queries ?? {})) print.out(`${kind}: ${query}`);
    for (const line of draftLines(draft)) print.out(line);
    if (drafted !== undefined && drafted.unused.length > 0) print.out(`Tables not used: ${drafted.unused.join(', ')}`);
    print.out(`See ${join(out, 'mapping.json')}: check it, then run assess with --mapping.`);
    return 0;
  },
  'test-shop': async ({ folder, kind, sizes, print }) => {
    await writeTestShop(folder, kind, sizes);
    print.out(`${folder} has the files of a made-up shop.`);
    return 0;
  },
};

const openSources = async (
  from: string,
  mapping: Mapping,
  { sourcePassword }: Pick<Stage, 'sourcePassword'>,
): Promise<Source[]> => (isDatabase(from) ? databaseSources(from, mapping, sourcePassword) : findSources(from));

/** A name for the source, of the folder's own. */
const nameOf = (folder: string): string =>
  basename(resolve(folder))
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^[^a-z]+|-$/g, '')
    .slice(0, 40) || 'old-shop';

/** Runs one command. @throws MoveInRefused */
export const runCommand = (line: CommandLine, stage: Stage, print: Print): Promise<number> =>
  commands[line.command]({ ...line, ...stage, print, clock: systemClock });

async function connected(
  { open, ownPrefix, mapping: file }: Stage & Pick<CommandLine, 'mapping'>,
  work: (sql: Sql, mapping: Mapping) => Promise<number>,
): Promise<number> {
  const mapping = await readMapping(file);
  if (mapping.prefix === ownPrefix())
    throw new MoveInRefused(
      `The prefix ${mapping.prefix} is that of the numbers of new orders: choose another one in the mapping.`,
    );
  const sql = open();
  try {
    return await work(sql, mapping);
  } finally {
    await sql.end({ timeout: 5 });
  }
}

async function estimateOf(run: Run, sources: readonly Source[], { files }: Assessment): Promise<Estimate> {
  let estimate: Estimate | undefined;
  const rows = Object.fromEntries(files.map((file) => [file.kind, file.rows]));
  await connected(run, async (sql, mapping) => {
    estimate = await measure({ sql, mapping, clock: run.clock, sources }, rows);
    return 0;
  });
  return estimate!;
}

/** Prints what verify found, and writes all of it to a file. */
async function tell({ compared, differences }: Verification, out: string, print: Print): Promise<number> {
  await write(out, 'verification.json', `${JSON.stringify({ compared, differences }, null, 2)}\n`);
  for (const { kind, id, what } of differences.slice(0, 20)) print.err(`${kind} ${id}: ${what}`);
  if (differences.length > 20) print.err(`… and ${differences.length - 20} more in ${join(out, 'verification.json')}`);
  print.out(
    `${Object.entries(compared)
      .map(([kind, rows]) => `${rows} ${kind}`)
      .join(', ')} compared, ${differences.length} differences.`,
  );
  return differences.length === 0 ? 0 : 1;
}

const progressOn = ({ out, draw }: Print): Progress => showProgress({ line: out, draw });

const speedsOf = (progress: Progress): string =>
  Object.entries(progress.speeds())
    .map(([kind, speed]) => `${kind} ${speed}`)
    .join(', ');

/** Reports have customers' data. */
async function write(out: string, name: string, text: string): Promise<void> {
  await mkdir(out, { recursive: true, mode: 0o700 });
  await writeFile(join(out, name), text, { mode: 0o600 });
}
