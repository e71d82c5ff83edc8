import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { Readable } from 'node:stream';
import { TextDecoderStream } from 'node:stream/web';
import { parse } from 'csv-parse';
import { MoveInRefused } from './errors.ts';
import type { Place } from './mapping.ts';

export const kinds = ['products', 'customers', 'coupons', 'orders'] as const;
export type Kind = (typeof kinds)[number];
type Encoding = 'utf-8' | 'utf-16le' | 'windows-1252';

/** Where the rows of a kind are read from. */
export type Source = {
  kind: Kind;
  /** A file, or what names a query of a database. */
  name: string;
  /** Undefined of a database. */
  bytes: number | undefined;
  encoding: string;
  /** Reads from the beginning, as often as asked. */
  rows: () => AsyncIterable<RawRow>;
  /** Which share of the source was read so far, from 0 to 1; undefined where that cannot be told. */
  share: () => number | undefined;
  /** Differs when anything in it has changed, as far as can be told without comparing every row. */
  fingerprint: () => Promise<string>;
};
type File = { file: string; encoding: Encoding; onBytes: (bytes: number) => void };

/** A row of a file, counted from 1 without the heading; undefined where the file has no row that can be read there. */
export type RawRow = { row: number; value: Record<string, unknown> | undefined };

/**
 * The files of a shop: `products`, `customers`, `coupons` and `orders`, each as `.csv` or `.ndjson`. A file may be missing.
 * @throws MoveInRefused when the folder has none of them, or one twice
 */
export async function findSources(folder: string): Promise<Source[]> {
  const found: Source[] = [];
  for (const kind of kinds) {
    for (const ending of ['csv', 'ndjson']) {
      const file = join(folder, `${kind}.${ending}`);
      const info = await stat(file).catch(() => undefined);
      if (info === undefined) continue;
      if (found.some((source) => source.kind === kind))
        throw new MoveInRefused(`${folder} has ${kind} twice, as .csv and as .ndjson: keep one.`);
      const encoding = await detectEncoding(file);
      let read = 0;
      const onBytes = (bytes: number) => {
        read += bytes;
      };
      const rows = () => {
        read = 0;
        return readRows({ file, encoding, onBytes });
      };
      const share = () => Math.min(1, read / Math.max(1, info.size));
      found.push({ kind, name: file, bytes: info.size, encoding, rows, share, fingerprint: () => hashOf(file) });
    }
  }
  if (found.length === 0)
    throw new MoveInRefused(`${folder} has none of products, customers, coupons and orders, as .csv or .ndjson.`);
  return found;
}

async function hashOf(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

/** What is not valid UTF-8 is taken for Windows-1252, in which spreadsheets write. */
async function detectEncoding(file: string): Promise<Encoding> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let first = true;
  try {
    for await (const chunk of createReadStream(file)) {
      if (first && chunk[0] === 0xff && chunk[1] === 0xfe) return 'utf-16le';
      first = false;
      decoder.decode(chunk, { stream: true });
    }
    decoder.decode();
    return 'utf-8';
  } catch {
    return 'windows-1252';
  }
}

/** The rows of a file, as it is read. */
async function* readRows({ file, encoding, onBytes }: File): AsyncGenerator<RawRow> {
  const bytes = createReadStream(file).on('data', (chunk) => onBytes(chunk.length));
  const text = Readable.from(Readable.toWeb(bytes).pipeThrough(new TextDecoderStream(encoding) as never));
  let row = 0;
  if (file.endsWith('.ndjson')) {
    for await (const line of createInterface({ input: text, crlfDelay: Number.POSITIVE_INFINITY })) {
      if (line.trim() !== '') yield { row: ++row, value: objectIn(line) };
    }
    return;
  }
  // Semicolons are what spreadsheets write where the comma is for decimals.
  const table = text.pipe(
    parse({
      bom: true,
      columns: (names: string[]) => names.map((name) => name.trim()),
      delimiter: await delimiterOf(file, encoding),
      skip_empty_lines: true,
      relax_column_count: true,
    }),
  );
  text.on('error', (error) => table.destroy(error));
  for await (const value of table) yield { row: ++row, value: value as Record<string, unknown> };
}

async function delimiterOf(file: string, encoding: Encoding): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of createReadStream(file, { end: 65_535 })) chunks.push(chunk as Buffer);
  const [heading = ''] = new TextDecoder(encoding).decode(Buffer.concat(chunks)).split(/\r?\n/, 1);
  const count = (delimiter: string) => heading.split(delimiter).length;
  return [',', ';', '\t'].reduce((best, one) => (count(one) > count(best) ? one : best));
}

function objectIn(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

/** The value at a place of a row, without blanks around it; empty when it is missing. `a.b` is also field `b` of object `a`, `a.*.b` those of all items of a list. */
export function textAt(row: Record<string, unknown>, place: Place | undefined): string {
  if (place === undefined) return '';
  if (typeof place === 'object' && !Array.isArray(place))
    return 'value' in place ? place.value : place.join.map((name) => textAt(row, name)).join('/');
  for (const name of typeof place === 'string' ? [place] : place) {
    if (typeof name === 'object') return name.value;
    const value = valueAt(row, name);
    const text = value == null ? '' : typeof value === 'object' ? JSON.stringify(value) : String(value).trim();
    if (text !== '') return text;
  }
  return '';
}

function valueAt(row: Record<string, unknown>, name: string): unknown {
  if (name in row || !name.includes('.')) return row[name];
  return follow(row, pathOf(name), 0);
}

function follow(from: unknown, path: readonly string[], start: number): unknown {
  let value = from;
  for (let at = start; at < path.length; at++) {
    if (path[at] === '*')
      return Array.isArray(value) ? value.flatMap((item) => follow(item, path, at + 1) ?? []) : undefined;
    value = (value as Record<string, unknown> | null | undefined)?.[path[at]!];
  }
  return value;
}

const paths = new Map<string, string[]>();

/** The parts of a path. A mapping has few, and each row asks for all of them. */
function pathOf(name: string): string[] {
  const known = paths.get(name);
  if (known !== undefined) return known;
  const parts = name.split('.');
  paths.set(name, parts);
  return parts;
}

/** The list at a place of a row; undefined where there is text, or nothing. */
export function listAt(row: Record<string, unknown>, place: Place | undefined): Record<string, unknown>[] | undefined {
  const found = typeof place === 'string' ? valueAt(row, place) : undefined;
  return Array.isArray(found) ? found : undefined;
}
