import { reported } from '../back-office/forms.ts';
import { element } from '../web-shop/dom.ts';
import type { CsvRequest, Reports } from './reports.ts';

/** Saves a report as CSV. The name of the file says what it is of, and as of when. */
export function csvButton(api: Reports, request: CsvRequest): HTMLElement {
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
