import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Sql } from '../../lib/database/applied.sql.ts';
import type { MigrateOptions } from '../../lib/database/migrate.ts';
import { createDatabase, type TestDatabase } from './postgres.ts';

/** An empty database and a folder for migrations, with functions to fill and read both. */
export type Trial = {
  database: TestDatabase;
  directory: string;
  sql: Sql;
  here: MigrateOptions;
  /** One more connection as the migrator. */
  connect(): Sql;
  /** Writes migrations by name, numbered from `first`. Each down file drops the tables that its up file creates. */
  write(files: Record<string, string>, first?: number): Promise<void>;
  /** Writes the data file of a migration, by its whole name. */
  writeData(name: string, statement: string): Promise<void>;
  /** Removes both files of migrations. */
  remove(...names: string[]): Promise<void>;
  /** Every table of the database, by `schema.name`. */
  tables(): Promise<string[]>;
  end(): Promise<void>;
};

/** Sets up a trial. The caller ends it. */
export async function startTrial(): Promise<Trial> {
  const database = await createDatabase({ template: 'template0' });
  const directory = await mkdtemp(join(tmpdir(), 'migrations-trial-'));
  const opened: Sql[] = [];
  const connect = () => {
    const sql = database.connect('migrator', { max: 1 }) as unknown as Sql;
    opened.push(sql);
    return sql;
  };
  const sql = connect();
  return {
    database,
    directory,
    sql,
    here: { sql, directory },
    connect,
    async write(files, first = 1) {
      for (const [index, [name, text]] of Object.entries(files).entries()) {
        const base = join(directory, `${String(first + index).padStart(4, '0')}_${name}`);
        const made = [...text.matchAll(/create table (\w+)/g)].map(([, table]) => `drop table ${table};`);
        await writeFile(`${base}.up.sql`, text);
        await writeFile(`${base}.down.sql`, made.join('\n'));
      }
    },
    writeData: (name, statement) => writeFile(join(directory, `${name}.data.sql`), statement),
    async remove(...names) {
      for (const name of names) for (const way of ['up', 'down']) await rm(join(directory, `${name}.${way}.sql`));
    },
    async tables() {
      const rows = await sql`
        select schemaname || '.' || tablename as name from pg_tables
        where schemaname not in ('pg_catalog', 'information_schema') order by name`;
      return rows.map(({ name }) => name as string);
    },
    async end() {
      await Promise.all(opened.map((each) => each.end({ timeout: 1 })));
      await database.drop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
