import connect, { type Sql } from 'postgres';
import { bigintAsNumber } from '../../../lib/platform/sql.ts';

/** Reads PostgreSQL as its administrator, who sees every table and session. No statement of the console can write. */
export function openDatabase(socket: () => Promise<string>) {
  let opened: { folder: string; sql: Sql } | undefined;

  /** The pool for the server that takes writes now. */
  async function pool(): Promise<Sql> {
    const folder = await socket();
    if (opened?.folder === folder) return opened.sql;
    opened?.sql.end({ timeout: 1 }).catch(() => {});
    const sql = connect({
      host: folder,
      user: 'rdsadmin',
      database: 'counterfoil',
      max: 3,
      idle_timeout: 20,
      connect_timeout: 3,
      fetch_types: false,
      transform: { column: { from: connect.toCamel } },
      types: { bigint: bigintAsNumber },
      onnotice: () => {},
      connection: {
        application_name: 'counterfoil-console',
        default_transaction_read_only: true,
        statement_timeout: 3000,
      },
    }) as unknown as Sql;
    opened = { folder, sql };
    return sql;
  }

  return { read: async <T>(query: (sql: Sql) => Promise<T>): Promise<T> => query(await pool()) };
}

export type Database = ReturnType<typeof openDatabase>;
