import { type Content, time } from '../back-office/parts.ts';
import { formatMoney } from '../money.ts';
import { element } from '../web-shop/dom.ts';

/** A column of figures, or of text. Null is what is not known. */
export type Column<R> = {
  title: string;
  value(row: R): number | string | null;
  /** How the value reads. Without it, as it is. */
  text?(row: R): Content;
  /** Whether it is words, which begin at the left. */
  words?: boolean;
  /** What stands below all rows. */
  total?: string | undefined;
};

/** A column of counts. */
export const counts = <R>(title: string, value: (row: R) => number | null): Column<R> => ({
  title,
  value,
  text: (row) => value(row)?.toLocaleString() ?? '–',
});

/** A column of money in the row's currency. */
export const sums = <R extends { currency: string }>(title: string, value: (row: R) => number): Column<R> => ({
  title,
  value,
  text: (row) => formatMoney({ amount: value(row), currency: row.currency }),
});

/** A column of moments; a dash where there was none. */
export const times = <R>(title: string, value: (row: R) => string | null): Column<R> => ({
  title,
  value,
  text: (row) => {
    const at = value(row);
    return at === null ? '–' : time(at);
  },
});

/** The most rows that are shown at first. */
const mostRows = 200;

/**
 * A table that its columns sort. The first column names the row, and stays where the table is wider than the screen.
 * @param share how long the bar below the name of a row is, from 0 to 1; undefined for none
 */
export function figureTable<R>(
  caption: string,
  columns: readonly Column<R>[],
  rows: readonly R[],
  share?: (row: R) => number,
): HTMLElement {
  let sorted = [...rows];
  let shown = mostRows;
  const body = element('tbody', {});
  const more = element('button', { type: 'button', hidden: rows.length <= mostRows }, `Show all ${rows.length} rows`);
  const fill = () => body.replaceChildren(...sorted.slice(0, shown).map((row) => rowOf(columns, row, share?.(row))));
  more.addEventListener('click', () => {
    shown = rows.length;
    more.hidden = true;
    fill();
  });
  const heads = columns.map((column, at) => {
    const button = element('button', { type: 'button' }, column.title);
    const head = element('th', { scope: 'col', className: at === 0 || column.words ? '' : 'amount' }, button);
    button.addEventListener('click', () => {
      const descends = head.ariaSort !== 'descending';
      for (const other of heads) other.ariaSort = null;
      head.ariaSort = descends ? 'descending' : 'ascending';
      sorted = rows.toSorted((a, b) => compare(column.value(a), column.value(b)) * (descends ? -1 : 1));
      fill();
    });
    return head;
  });
  fill();
  const table = element(
    'table',
    { className: 'figures' },
    element('caption', { className: 'hidden' }, caption),
    element('thead', {}, element('tr', {}, ...heads)),
    body,
    ...(columns.some(({ total }) => total !== undefined) ? [footOf(columns)] : []),
  );
  const scroll = element('div', { className: 'scroll', tabIndex: 0, role: 'region' }, table);
  scroll.ariaLabel = caption;
  return element('div', {}, scroll, more);
}

function rowOf<R>(columns: readonly Column<R>[], row: R, share: number | undefined): HTMLTableRowElement {
  const cells = columns.map((column, at) => {
    const text = column.text?.(row) ?? String(column.value(row) ?? '–');
    if (at > 0) return element('td', { className: column.words ? '' : 'amount' }, text);
    const bar = element('span', { className: 'bar' });
    bar.style.width = `${Math.round(Math.max(0, share ?? 0) * 100)}%`;
    return element('th', { scope: 'row' }, text, ...(share === undefined ? [] : [bar]));
  });
  return element('tr', {}, ...cells);
}

const footOf = <R>(columns: readonly Column<R>[]): HTMLElement =>
  element(
    'tfoot',
    {},
    element(
      'tr',
      {},
      ...columns.map(({ total = '–' }, at) =>
        at === 0 ? element('th', { scope: 'row' }, total) : element('td', { className: 'amount' }, total),
      ),
    ),
  );

/** What is not known comes first. */
function compare(a: number | string | null, b: number | string | null): number {
  if (a === null || b === null) return Number(b === null) - Number(a === null);
  return typeof a === 'string' ? a.localeCompare(String(b)) : a - Number(b);
}
