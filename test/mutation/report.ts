import type { Mutant, Outcome, Result } from './mutant.ts';
import type { Verdict } from './survivors.ts';

const columns: readonly Outcome[] = ['killed', 'timeout', 'survived', 'no-coverage', 'invalid'];

/** The score of each folder and all that lives, as Markdown. */
export function toMarkdown(results: readonly Result[], { unexplained, explained, stale }: Verdict): string {
  const rows = [...Map.groupBy(results, ({ part, folder }) => `${folder} (${part})`)].sort(([a], [b]) =>
    a < b ? -1 : 1,
  );
  const all = rows.length === 1 ? [] : [row('all', results, explained)];
  return [
    '| guards | killed | timed out | survived | no test | invalid | explained | score | with the explained |',
    '| --- | --- | --- | --- | --- | --- | --- | --- | --- |',
    ...rows.map(([name, group]) => row(name, group, explained)),
    ...all,
    ...section('Survivors that nobody has explained', unexplained.map(lineOf)),
    ...section(
      'Entries of survivors.json without a survivor',
      stale.map(({ file, change }) => `${file} ${change}`),
    ),
    ...section(
      'Invalid mutants',
      results.filter(({ outcome }) => outcome === 'invalid').map((r) => `${lineOf(r)} (${r.by?.split('\n')[0]})`),
    ),
  ].join('\n');
}

function row(name: string, group: readonly Result[], explained: Verdict['explained']): string {
  const counts = columns.map((outcome) => group.filter((result) => result.outcome === outcome).length);
  const known = explained.filter(({ part, file, change }) =>
    group.some((each) => each.part === part && each.file === file && each.change === change),
  ).length;
  const [killed = 0, late = 0, survived = 0, uncovered = 0] = counts;
  const valid = killed + late + survived + uncovered;
  const score = (of: number) => (valid === 0 ? '—' : `${((of / valid) * 100).toFixed(1)} %`);
  return `| ${[name, ...counts, known, score(killed + late), score(killed + late + known)].join(' | ')} |`;
}

const section = (title: string, lines: readonly string[]): string[] =>
  lines.length === 0 ? [] : ['', `${title} (${lines.length}):`, ...lines.map((line) => `- ${line}`)];

const lineOf = ({ file, line, change }: Mutant): string => `${file}${line === 0 ? '' : `:${line}`} ${change}`;
