import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import postgres from 'postgres';
import { MoveInRefused } from './errors.ts';
import { type Kind, kinds, type RawRow, type Source } from './read-rows.ts';

type Row = Record<string, unknown>;
/** Rows of one query, in a transaction that can change nothing. */
type Rows = (query: string) => AsyncIterable<Row>;

const rowsAtOnce = 500;

export const isDatabase = (from: string): boolean => /^(postgres|postgresql|mysql|mariadb):\/\//.test(from);

/**
 * The rows of another shop's database, by the queries of the mapping, in whose columns it looks. Times without a zone are in UTC.
 * @param password when the address has none, so that it is not in the list of processes
 * @throws MoveInRefused
 */
export function databaseSources(
  address: string,
  queries: Partial<Record<Kind, string | undefined>>,
  password: string | undefined,
): Source[] {
  if (!URL.canParse(address)) throw new MoveInRefused('The address of the database is not valid.');
  const url = new URL(address);
  if (url.password === '' && password !== undefined) url.password = encodeURIComponent(password);
  const isPostgres = url.protocol.startsWith('postgres');
  const read = isPostgres ? readPostgres(url) : readMysql(url);
  const shown = `${url.protocol}//${url.host}${url.pathname}`;
  const found = kinds.filter((kind) => queries[kind] !== undefined);
  if (found.length === 0)
    throw new MoveInRefused(
      'The mapping has no queries: say in "queries" how products, customers and orders are read.',
    );
  return found.map((kind) => {
    const query = queries[kind]!.replace(/;\s*$/, '');
    return {
      kind,
      name: `${kind} of ${shown}`,
      bytes: undefined,
      encoding: 'utf-8',
      share: () => undefined,
      rows: () => numbered(explained(kind, read(query))),
      fingerprint: async () => {
        const hash = createHash('sha256');
        for await (const row of explained(kind, read(query))) hash.update(`${JSON.stringify(row)}\n`);
        return hash.digest('hex');
      },
    };
  });
}

async function* numbered(rows: AsyncIterable<Row>): AsyncGenerator<RawRow> {
  let row = 0;
  for await (const value of rows) yield { row: ++row, value };
}

/** A database that does not answer, or a query that it refuses, is a sentence for the person at the terminal. */
async function* explained(kind: string, rows: AsyncIterable<Row>): AsyncGenerator<Row> {
  try {
    yield* rows;
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause)
      throw new MoveInRefused(`The database did not give ${kind}: ${cause.message || String(cause.code)}.`, { cause });
    throw cause;
  }
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

/** Loads its client when it is needed. */
function readMysql(url: URL): Rows {
  return async function* (query) {
    const { createConnection } = await import('mysql2');
    const connection = createConnection({
      host: url.hostname,
      port: Number(url.port || 3306),
      user: decodeURIComponent(url.username),
      password: decodeURIComponent(url.password),
      database: decodeURIComponent(url.pathname.slice(1)),
      charset: 'utf8mb4',
      dateStrings: true,
      supportBigNumbers: true,
      bigNumberStrings: true,
      connectTimeout: 10_000,
      ...(url.searchParams.get('ssl') === 'true' ? { ssl: { rejectUnauthorized: true } } : {}),
    });
    const run = (statement: string) => connection.promise().query(statement);
    try {
      await run("set time_zone = '+00:00'");
      await run('start transaction with consistent snapshot, read only');
      yield* Readable.from(connection.query(query).stream({ highWaterMark: rowsAtOnce })) as AsyncIterable<Row>;
      await run('commit');
    } finally {
      connection.destroy();
    }
  };
}
