import type { Cell, Row } from './columns.ts';

/**
 * Rows as CSV (RFC 4180), with the names of the columns first. Text that a spreadsheet would take for a formula gets an
 * apostrophe.
 */
export function toCsv(names: readonly string[], rows: readonly Row[]): string {
  const lines = [names, ...rows.map((row) => names.map((name) => row[name] ?? null))];
  return lines.map((line) => `${line.map(quoted).join(',')}\r\n`).join('');
}

function quoted(value: Cell): string {
  if (value === null) return '';
  if (value instanceof Date) return value.toISOString();
  if (typeof value !== 'string') return String(value);
  const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
