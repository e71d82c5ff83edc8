import { currencyExponent } from '../../lib/kernel/money.ts';
import type { Assessment, FileReport, Finding } from './assess.ts';
import { estimateLines } from './estimate.ts';

/** An assessment as a page of its own, for people. */
export function assessmentPage(assessment: Assessment): string {
  const { assessedAt, source, files, currencies, orphans, emails } = assessment;
  const rejected = files.reduce((sum, file) => sum + file.rows - file.fitting, 0);
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>What moves in</title>
<style>
:root { color-scheme: light dark; --line: light-dark(#c8c8c8, #4a4a4a); --head: light-dark(#f2f2f2, #2a2a2a); }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; background: light-dark(#fff, #161616); color: light-dark(#1a1a1a, #e6e6e6); }
.wide { overflow-x: auto; margin: 1rem 0; }
table { border-collapse: collapse; } td, th { border: 1px solid var(--line); padding: .3rem .6rem; text-align: left; vertical-align: top; overflow-wrap: break-word; }
th { background: var(--head); } td.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
@media (max-width: 40rem) { body { margin: 1rem auto; } td, th { padding: .2rem .4rem; font-size: .9rem; } }
</style>
<h1>What moves in</h1>
<p>${text(source)}, read ${text(assessedAt.slice(0, 16).replace('T', ' '))} UTC. ${rejected === 0 ? 'Every row fits.' : `<strong>${count(rejected)} rows will not fit.</strong>`}</p>
${table(['', 'rows', 'fit', 'do not', 'repeated', 'bytes', 'encoding'], files.map(fileRow))}
<p>${count(emails.customers)} customers with an e-mail address; ${count(emails.withPassword)} of them sign in with their old password.
${count(emails.guests)} guests become customers who choose a password when they come.</p>
<h2>How long it takes</h2>
${time(assessment)}
<h2>Orders</h2>
${table(
  ['currency', 'orders', 'sum', 'given back', 'first', 'last'],
  currencies.map(({ currency, orders, total, refunded, firstAt, lastAt }) => [
    text(currency),
    number(count(orders)),
    number(major(total, currency)),
    number(major(refunded, currency)),
    number(text(firstAt.slice(0, 10))),
    number(text(lastAt.slice(0, 10))),
  ]),
)}
${section('Names something that is not there', orphans)}
${files.map((file) => section(`Will not fit: ${file.kind}`, file.rejected) + section(`Fits with a difference: ${file.kind}`, file.notes)).join('\n')}
</html>
`;
}

function time({ files, estimate }: Assessment): string {
  if (estimate === null) {
    const seconds = files.reduce((sum, file) => sum + file.seconds, 0);
    return `<p>Reading all rows took ${count(Math.ceil(seconds))} seconds here. A load takes longer: <code>assess --measure</code> says how long.</p>`;
  }
  const rows = files.flatMap(({ kind, rows }) => {
    const speeds = estimate.speeds[kind];
    return speeds === undefined
      ? []
      : [[text(kind), ...[rows, speeds.load, speeds.again, speeds.verify, speeds.sample].map((n) => number(count(n)))]];
  });
  return `<p>${estimateLines(estimate).map(text).join(' ')} Measured on the first rows of each kind; large tables are slower than small ones.</p>
${table(['', 'rows', 'first load, rows/s', 'repeated load, rows/s', 'verify, rows/s', 'rows measured'], rows)}`;
}

const fileRow = ({ kind, rows, fitting, repeated, bytes, encoding }: FileReport) => [
  text(kind),
  number(count(rows)),
  number(count(fitting)),
  number(count(rows - fitting)),
  number(count(repeated)),
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
  `<div class="wide"><table><tr>${heading.map((name) => `<th>${name}</th>`).join('')}</tr>${rows
    .map((cells) => `<tr>${cells.map((cell) => (cell.startsWith('<td') ? cell : `<td>${cell}</td>`)).join('')}</tr>`)
    .join('')}</table></div>`;

const number = (value: string): string => `<td class="number">${value}</td>`;
const count = (value: number): string => value.toLocaleString('en');
const major = (amount: number, currency: string): string =>
  (amount / 10 ** currencyExponent(currency)).toLocaleString('en', {
    minimumFractionDigits: currencyExponent(currency),
  });
const text = (value: string): string =>
  value.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
