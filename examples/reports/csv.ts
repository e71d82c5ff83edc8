import { reported } from '../back-office/forms.ts';
import { link } from '../back-office/parts.ts';
import { element } from '../web-shop/dom.ts';
import type { CsvRequest, Reports } from './reports.ts';

/** A report as CSV at once, and all of its rows as a file that is made for it. */
export const fileButtons = (api: Reports, request: CsvRequest): HTMLElement[] => [
  csvButton(api, request),
  link(exportHash(request), 'All rows as a file'),
];

/** The address where a file of all rows is started. */
export const exportHash = ({ report, query }: CsvRequest): string =>
  `#/exports?${new URLSearchParams({ report, ...(query as Record<string, string>) })}`;

/** Saves a report as CSV. The name of the file says what it is of, and as of when. */
function csvButton(api: Reports, request: CsvRequest): HTMLElement {
  const button = element('button', { type: 'button' }, 'Download CSV');
  button.title = 'Amounts in the file are in the smallest unit of their currency, such as cents.';
  const save = async () => {
    const { text, asOf } = await api.csv(request);
    const url = URL.createObjectURL(new Blob([text], { type: 'text/csv' }));
    element('a', { href: url, download: `${nameOf(request)}-as-of-${asOf.replaceAll(/[:.]/g, '')}.csv` }).click();
    URL.revokeObjectURL(url);
  };
  button.addEventListener('click', () => {
    button.disabled = true;
    const saving = save().finally(() => {
      button.disabled = false;
    });
    reported(saving);
  });
  return button;
}

const nameOf = ({ report, query }: CsvRequest): string =>
  [report, ...['groupBy', 'from', 'to', 'days', 'currency'].map((name) => (query as Record<string, unknown>)[name])]
    .filter((part) => part !== undefined)
    .join('-');
