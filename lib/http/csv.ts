import type { Result } from './response.ts';

/** One value of a table. */
type Cell = string | number | boolean | Date | null;
type Row = Readonly<Record<string, Cell>>;

/** What says how old a report is, in the answers that have no other place for it. */
type Aged = { asOf: string; lagSeconds: number; data: readonly Row[] };

/** A report as JSON, or its rows as CSV with their age in header fields. */
export function reportResult<T extends Aged>(body: T, columns: readonly string[], wantsCsv: boolean): Result {
  const headers = { vary: 'Accept' };
  if (!wantsCsv) return { status: 200, body, headers };
  const age = { 'report-as-of': body.asOf, 'report-lag-seconds': String(body.lagSeconds) };
  const text = toCsv(columns, body.data);
  return {
    status: 200,
    body: { contentType: 'text/csv; charset=utf-8; header=present', text },
    headers: { ...headers, ...age },
  };
}

/**
 * Rows as CSV (RFC 4180), with the names of the columns first. Text that a spreadsheet would take for a formula gets an
 * apostrophe.
 */
export function toCsv(columns: readonly string[], rows: readonly Row[]): string {
  const lines = [columns, ...rows.map((row) => columns.map((name) => row[name] ?? null))];
  return lines.map((line) => `${line.map(quoted).join(',')}\r\n`).join('');
}

function quoted(value: Cell): string {
  if (value === null) return '';
  if (value instanceof Date) return value.toISOString();
  if (typeof value !== 'string') return String(value);
  const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** Whether a client would rather have CSV than JSON (RFC 9110 §12.5.1). What it likes equally comes as JSON. */
export function prefersCsv(accept: string | undefined): boolean {
  const weightOf = (type: string) => {
    const ranges = (accept ?? '').split(',').flatMap((part) => {
      const [range = '', ...parameters] = part
        .trim()
        .toLowerCase()
        .split(/\s*;\s*/);
      const q = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2);
      const fit = [type, `${type.split('/')[0]}/*`, '*/*'].indexOf(range);
      return fit === -1 ? [] : [{ fit, weight: q === undefined ? 1 : Number(q) || 0 }];
    });
    return ranges.toSorted((a, b) => a.fit - b.fit)[0]?.weight ?? 0;
  };
  return weightOf('text/csv') > weightOf('application/json');
}
