import { readFileSync, writeFileSync } from 'node:fs';
import { type Cell, type Row, rows, type When } from './cell.ts';
import { type FaultName, faults } from './faults.ts';

const page = new URL('../../docs/reliability.md', import.meta.url);
const faultNames = Object.keys(faults) as FaultName[];

/** The cells of a matrix: step × fault → how it ended. */
export type Matrix = Map<Row, Partial<Record<FaultName, Cell>>>;

/** A matrix as a table in Markdown; a cell with several ends has them all. */
export function renderTable(matrix: Matrix): string {
  const head = ['step', 'on the way of', ...faultNames];
  const body = rows.map((row) => {
    const cells = faultNames.map((fault) => matrix.get(row)?.[fault]?.ends.toSorted().join(' / ') ?? '');
    return [`\`${row.step}\``, row.scenario.name, ...cells];
  });
  const line = (cells: string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...body.map(line)].join('\n');
}

const marksOf = (when: When) => [`<!-- matrix: ${when} delivery -->`, '<!-- end of matrix -->'] as const;

/** The table that stands in docs/reliability.md. */
export function readTable(when: When): string {
  const text = readFileSync(page, 'utf8');
  const { from, to } = placeOf(text, when);
  return text.slice(from, to).trim();
}

/** Puts a table in its place in docs/reliability.md. */
export function writeTable(when: When, table: string): void {
  const text = readFileSync(page, 'utf8');
  const { from, to } = placeOf(text, when);
  writeFileSync(page, `${text.slice(0, from)}\n${table}\n${text.slice(to)}`);
}

function placeOf(text: string, when: When) {
  const [begin, end] = marksOf(when);
  const from = text.indexOf(begin) + begin.length;
  const to = text.indexOf(end, from);
  if (from < begin.length || to < 0) throw new Error(`docs/reliability.md has no ${begin} … ${end}`);
  return { from, to };
}
