import { fields, form, reported, type Values } from '../back-office/forms.ts';
import { badge, card, facts, link, quiet, time, type View } from '../back-office/parts.ts';
import { element } from '../web-shop/dom.ts';
import { asOf } from './age.ts';
import { named } from './names.ts';
import { reportView } from './refusals.ts';
import type { Reports } from './reports.ts';
import type { Export, NewExport } from './requests.ts';
import { type Column, counts, figureTable, times } from './table.ts';

type Again = () => Promise<void>;

const formats = [
  ['csv', 'CSV'],
  ['parquet', 'Parquet'],
] as const;

/** Starts an export of a report, and lists those of the last seven days. */
export async function exportsView(api: Reports, query: Values, again: Again): Promise<View> {
  const { report, ...parameters } = query;
  const start =
    report === undefined
      ? card(
          'Make a file',
          element(
            'p',
            {},
            'A file has up to 200,000 rows. Open a report such as ',
            link('#/sales', 'sales'),
            ', choose what to show, and follow “All rows as a file” there.',
          ),
        )
      : startCard(api, report, parameters);
  const show = async () => {
    const list = await api.exports();
    const columns: Column<Export>[] = [
      {
        title: 'Report',
        value: (row) => row.report,
        text: (row) => link(`#/exports/${row.id}`, `${row.report} as ${row.format}`),
      },
      { title: 'Status', value: ({ status }) => status, text: ({ status }) => badge(status), words: true },
      times('Asked for', ({ createdAt }) => createdAt),
      times('As of', (row) => row.asOf),
      counts('Rows', ({ rows }) => rows),
      counts('Bytes', ({ bytes }) => bytes),
    ];
    const files =
      list.length === 0
        ? quiet('No file was asked for in the last seven days.')
        : figureTable('Files of the last seven days, newest first', columns, list);
    return { content: [card('Files of the last seven days', files)] };
  };
  return reportView('Exports', [start], show(), again);
}

function startCard(api: Reports, report: string, parameters: Values): HTMLElement {
  const asked = facts([['Report', report], ...named(parameters)]);
  const choice = fields([{ name: 'format', label: 'Format', value: 'csv', options: formats }]);
  const start = form(
    choice,
    'Make the file',
    async ({ format }, key) => {
      const { id } = await api.startExport({ report, parameters, format } as NewExport, key);
      location.hash = `#/exports/${id}`;
    },
    'filters',
  );
  return card('Make a file', asked, start, quiet('Its limit of rows does not count: the file has all of them.'));
}

/** How far a file is. It is asked for again until it is there. */
export async function exportView(api: Reports, id: string, again: Again): Promise<View> {
  const show = async () => {
    const first = await api.export(decodeURIComponent(id));
    const place = element('div', { role: 'status' }, ...contentOf(api, first, again));
    if (first.endedAt === null) reported(follow(api, first, place, again));
    return {
      content: [
        card('The file', place),
        card('What it is of', facts([['Report', first.report], ['Format', first.format], ...named(first.parameters)])),
      ],
    };
  };
  return reportView('Export', [card('Which file', link('#/exports', 'All exports'))], show(), again);
}

const pauseMs = 2000;

/** Shows each step, as long as the place is on the screen. */
async function follow(api: Reports, { id, progress: first }: Export, place: HTMLElement, again: Again): Promise<void> {
  let shown = first;
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
    if (!place.isConnected) return;
    const now = await api.export(id);
    if (now.progress !== shown) place.replaceChildren(...contentOf(api, now, again));
    shown = now.progress;
    if (now.endedAt !== null) return;
  }
}

const steps: Readonly<Record<Export['progress'], string>> = {
  waiting: 'It waits for its turn, a minute at most.',
  reading: 'Its rows are read.',
  writing: 'The file is written.',
  done: '',
};

function contentOf(api: Reports, made: Export, again: Again): HTMLElement[] {
  const { status, progress, failure, rows, bytes, expiresAt, lagSeconds, stale } = made;
  if (failure !== null)
    return [
      badge(status),
      element('p', { className: 'refused' }, failure.detail),
      quiet(`The problem is ${failure.code}.`),
    ];
  if (status !== 'completed') return [badge(status), element('p', {}, steps[progress])];
  const what = facts([
    ['Rows', rows?.toLocaleString()],
    ['Bytes', bytes?.toLocaleString()],
    ['Kept until', expiresAt === null ? undefined : time(expiresAt)],
  ]);
  const age = element('p', {}, ...asOf({ asOf: made.asOf!, lagSeconds: lagSeconds!, stale }));
  return [badge(status), what, age, download(api, made, again)];
}

/** A link works for a quarter of an hour, so each press asks for one. */
function download(api: Reports, { id }: Export, again: Again): HTMLElement {
  const button = element('button', { type: 'button', className: 'main' }, 'Download');
  const save = async () => {
    const { download: file } = await api.export(id);
    if (file === null) await again();
    else element('a', { href: file.url, download: '' }).click();
  };
  button.addEventListener('click', () => reported(save()));
  return button;
}
