import { currencyExponent } from '../../lib/kernel/money.ts';
import type { Assessment, FileReport, Finding } from './assess.ts';

/** An assessment as a page of its own, for people. */
export function assessmentPage({ assessedAt, source, files, currencies, orphans, emails }: Assessment): string {
  const rejected = files.reduce((sum, file) => sum + file.rows - file.fitting, 0);
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>What moves in</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; margin: 1rem 0; } td, th { border: 1px solid #bbb; padding: .3rem .6rem; text-align: left; vertical-align: top; }
td.number { text-align: right; font-variant-numeric: tabular-nums; }
</style>
<h1>What moves in</h1>
<p>${text(source)}, read ${text(assessedAt)}. ${rejected === 0 ? 'Every row fits.' : `<strong>${count(rejected)} rows will not fit.</strong>`}</p>
${table(['', 'rows', 'fit', 'do not', 'bytes', 'encoding'], files.map(fileRow))}
<p>${count(emails.customers)} customers with an e-mail address; ${count(emails.withPassword)} of them sign in with their old password.
${count(emails.guests)} guests become customers who choose a password when they come.</p>
<h2>Orders</h2>
${table(
  ['currency', 'orders', 'sum', 'first', 'last'],
  currencies.map(({ currency, orders, total, firstAt, lastAt }) => [
    text(currency),
    number(count(orders)),
    number(major(total, currency)),
    text(firstAt.slice(0, 10)),
    text(lastAt.slice(0, 10)),
  ]),
)}
${section('Names something that is not there', orphans)}
${files.map((file) => section(`Will not fit: ${file.kind}`, file.rejected) + section(`Fits with a difference: ${file.kind}`, file.notes)).join('\n')}
</html>
`;
}

const fileRow = ({ kind, rows, fitting, bytes, encoding }: FileReport) => [
  text(kind),
  number(count(rows)),
  number(count(fitting)),
  number(count(rows - fitting)),
  number(bytes === undefined ? '' : count(bytes)),
  text(encoding),
];

const section = (title: string, findings: readonly Finding[]): string =>
  findings.length === 0
    ? ''
    : `<h2>${text(title)}</h2>\n${table(
        ['what', 'rows', 'for instance'],
        findings.map(({ what, rows, examples }) => [text(what), number(count(rows)), examples.map(text).join('<br>')]),
      )}`;

const table = (heading: readonly string[], rows: readonly (readonly string[])[]): string =>
  `<table><tr>${heading.map((name) => `<th>${name}</th>`).join('')}</tr>${rows
    .map((cells) => `<tr>${cells.map((cell) => (cell.startsWith('<td') ? cell : `<td>${cell}</td>`)).join('')}</tr>`)
    .join('')}</table>`;

const number = (value: string): string => `<td class="number">${value}</td>`;
const count = (value: number): string => value.toLocaleString('en');
const major = (amount: number, currency: string): string =>
  (amount / 10 ** currencyExponent(currency)).toLocaleString('en', {
    minimumFractionDigits: currencyExponent(currency),
  });
const text = (value: string): string =>
  value.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
