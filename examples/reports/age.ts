import { type Content, card, quiet, time } from '../back-office/parts.ts';
import { element } from '../web-shop/dom.ts';
import { ageOf } from './figures.ts';
import type { ReportPart, SalesReport } from './reports.ts';

/** What every report says of its age. Those that have one source have no parts. */
export type Aged = {
  asOf: string;
  lagSeconds: number;
  stale: boolean;
  source?: ReportPart['source'];
  history?: SalesReport['history'];
  parts?: readonly ReportPart[];
};

const sources: Readonly<Record<ReportPart['source'], string>> = {
  warehouse: 'from the warehouse',
  reader: 'from the copy that follows the database',
  writer: 'from the database itself',
};

/** What it means that a report took, or did not take, history from the warehouse. */
const histories: Readonly<Record<SalesReport['history'], string>> = {
  used: 'The days before the last load come from the warehouse. What came after comes from the database.',
  'not-needed': 'All of these days are after the last load of the warehouse, so it was not needed.',
  'never-loaded':
    'The warehouse was never loaded, so nothing comes from it. The figures are complete, but long periods take longer. Somebody with access to the server loads it with “npm run warehouse -- load”.',
  'other-database':
    'The warehouse was loaded from another database, or before a restore, so nothing comes from it. Somebody with access to the server loads it anew with “npm run warehouse -- load --full”.',
  'no-warehouse': 'This shop has no warehouse. The figures are complete, but long periods take longer.',
};

/** In the line of the title: as of when the figures are. */
export function asOf({ asOf, lagSeconds, stale }: Aged): Content[] {
  const text = element(
    'span',
    { className: stale ? 'stale' : 'quiet' },
    'As of ',
    time(asOf),
    `, ${ageOf(lagSeconds)} old`,
  );
  return stale ? [text, element('span', { className: 'stale' }, 'Older than this report should be.')] : [text];
}

/** Where each part of the figures comes from, and how old it is. */
export function ageCard({ history, parts, source, asOf, lagSeconds }: Aged): HTMLElement {
  const lines =
    parts?.map((part) => [time(part.from), ' to ', time(part.to), `, ${sources[part.source]}`, ...olds(part)]) ??
    (source === undefined ? [] : [['All of it is ', sources[source], ...olds({ asOf, lagSeconds })]]);
  return card(
    'How old the figures are',
    element('ul', { className: 'ages' }, ...lines.map((line) => element('li', {}, ...line))),
    ...(history === undefined ? [] : [quiet(histories[history])]),
  );
}

const olds = ({ asOf, lagSeconds }: Pick<Aged, 'asOf' | 'lagSeconds'>): Content[] => [
  ': as of ',
  time(asOf),
  `, ${ageOf(lagSeconds)} old`,
];
