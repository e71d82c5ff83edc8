import { Readable } from 'node:stream';

/** What a place of a row can be. Numbers that may be large, decimals and times are text. */
export type Row = Record<string, unknown>;
export type Query = <R = Row>(statement: string, values?: readonly unknown[]) => Promise<R[]>;

/** A read-only transaction that sees one moment of a MySQL or MariaDB. Times are in UTC. */
export type Snapshot = {
  query: Query;
  /** Reads a large answer as it comes. */
  stream: (statement: string) => AsyncIterable<Row>;
  close: () => void;
};

const rowsAtOnce = 500;

/** Opens it. Loads its client when it is needed. @throws what the client throws, with a `code` */
export async function openSnapshot(url: URL): Promise<Snapshot> {
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
  // An answer that fails says so; without a listener the same error would end the process, too.
  connection.on('error', () => {});
  const query: Query = async (statement, values = []) => {
    const [rows] = await connection.promise().query(statement, [...values]);
    return rows as never[];
  };
  try {
    await query("set time_zone = '+00:00'");
    await query('start transaction with consistent snapshot, read only');
  } catch (error) {
    connection.destroy();
    throw error;
  }
  return {
    query,
    stream: (statement) => Readable.from(connection.query(statement).stream({ highWaterMark: rowsAtOnce })),
    close: () => connection.destroy(),
  };
}
