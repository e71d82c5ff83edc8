import { createHash } from 'node:crypto';
import postgres from 'postgres';
import { MoveInRefused } from './errors.ts';
import type { Mapping } from './mapping.ts';
import { openSnapshot, type Row } from './mysql.ts';
import { kinds, type RawRow, type Source } from './read-rows.ts';
import { wordpressReaders } from './wordpress.ts';

/** Rows of one query, in a transaction that can change nothing. */
type Rows = (query: string) => AsyncIterable<Row>;

const rowsAtOnce = 500;

export const isDatabase = (from: string): boolean => /^(postgres|postgresql|mysql|mariadb):\/\//.test(from);

/**
 * The rows of another shop's database, by the queries of the mapping, in whose columns it looks. A MySQL without queries is read as the
 * database of a WooCommerce shop. Times without a zone are in UTC.
 * @param password when the address has none, so that it is not in the list of processes
 * @throws MoveInRefused
 */
export async function databaseSources(
  address: string,
  { queries, database }: Pick<Mapping, 'queries' | 'database'>,
  password: string | undefined,
): Promise<Source[]> {
  const url = urlOf(address, password);
  const isPostgres = isPostgresAddress(address);
  const shown = `${url.protocol}//${url.host}${url.pathname}`;
  if (!isPostgres && database === 'woocommerce' && Object.values(queries ?? {}).every((query) => query === undefined)) {
    const readers = await wordpressReaders(url).catch((error: unknown) => refuse('its tables', error));
    return kinds.map((kind) => {
      let read: number | undefined;
      const rows = () => {
        read = undefined;
        return readers.rows(kind, (share) => (read = share));
      };
      return sourceOf(kind, `${kind} of ${shown}`, { rows, share: () => read, bytes: readers.bytes[kind] });
    });
  }
  const read = isPostgres ? readPostgres(url) : readMysql(url);
  const found = kinds.filter((kind) => queries?.[kind] !== undefined);
  if (found.length === 0)
    throw new MoveInRefused(
      'The mapping has no queries: say in "queries" how products, customers and orders are read.',
    );
  return found.map((kind) => {
    const query = queries![kind]!.replace(/;\s*$/, '');
    return sourceOf(kind, `${kind} of ${shown}`, { rows: () => read(query), share: () => undefined, bytes: undefined });
  });
}

export const isPostgresAddress = (address: string): boolean => address.startsWith('postgres');

/** Runs queries of one's own in a database, each in a read-only transaction. @throws MoveInRefused */
export function readerOf(
  address: string,
  password: string | undefined,
): (what: string, query: string) => AsyncIterable<Row> {
  const url = urlOf(address, password);
  const read = isPostgresAddress(address) ? readPostgres(url) : readMysql(url);
  return (what, query) => explained(what, read(query));
}

function urlOf(address: string, password: string | undefined): URL {
  if (!URL.canParse(address)) throw new MoveInRefused('The address of the database is not valid.');
  const url = new URL(address);
  if (url.password === '' && password !== undefined) url.password = encodeURIComponent(password);
  return url;
}

type Reading = Pick<Source, 'share' | 'bytes'> & { rows: () => AsyncIterable<Row> };

const sourceOf = (kind: Source['kind'], name: string, { rows, ...reading }: Reading): Source => ({
  kind,
  name,
  encoding: 'utf-8',
  ...reading,
  rows: () => numbered(explained(kind, rows())),
  fingerprint: async () => {
    const hash = createHash('sha256');
    for await (const row of explained(kind, rows())) hash.update(`${JSON.stringify(row)}\n`);
    return hash.digest('hex');
  },
});

async function* numbered(rows: AsyncIterable<Row>): AsyncGenerator<RawRow> {
  let row = 0;
  for await (const value of rows) yield { row: ++row, value };
}

async function* explained(kind: string, rows: AsyncIterable<Row>): AsyncGenerator<Row> {
  try {
    yield* rows;
  } catch (error) {
    refuse(kind, error);
  }
}

/** A database that does not answer, or a query that it refuses, is a sentence for the person at the terminal. */
function refuse(what: string, cause: unknown): never {
  if (cause instanceof Error && 'code' in cause)
    throw new MoveInRefused(`The database did not give ${what}: ${cause.message || String(cause.code)}.`, { cause });
  throw cause;
}

function readPostgres(url: URL): Rows {
  return async function* (query) {
    // As libpq takes it: a folder of a socket does not fit into the address.
    const host = url.searchParams.get('host');
    const address = new URL(url);
    address.searchParams.delete('host');
    const sql = postgres(address.href, {
      ...(host === null ? {} : { host }),
      max: 1,
      fetch_types: false,
      connect_timeout: 10,
      onnotice: () => {},
      connection: { application_name: 'move-in', TimeZone: 'UTC' },
      // As text: a time without a zone would be taken for one of this machine.
      types: { time: { to: 1184, from: [1082, 1114, 1184], serialize: String, parse: (text: string) => text } },
    });
    try {
      // The one connection of the pool.
      await sql.unsafe('begin transaction isolation level repeatable read read only');
      for await (const rows of sql.unsafe(query).cursor(rowsAtOnce)) yield* rows as Row[];
      await sql.unsafe('commit');
    } finally {
      await sql.end({ timeout: 5 });
    }
  };
}

function readMysql(url: URL): Rows {
  return async function* (query) {
    const { stream, close } = await openSnapshot(url);
    try {
      yield* stream(query);
    } finally {
      close();
    }
  };
}
