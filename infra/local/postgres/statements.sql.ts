import connect from 'postgres';

/**
 * Makes the statistics of statements, which the server collects, visible in the product's database, as migrations do on Aurora: there
 * the master user may, and here the administrator must.
 * @param folder of the server's socket
 */
export async function showStatements(folder: string): Promise<void> {
  const sql = connect({ host: folder, user: 'rdsadmin', database: 'counterfoil', max: 1, onnotice: () => {} });
  try {
    await sql`create extension if not exists pg_stat_statements with schema public`;
  } finally {
    await sql.end({ timeout: 1 });
  }
}
