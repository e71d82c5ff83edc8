import type { Database } from './database.sql.ts';

/** Statements that have a plan. The others begin and end transactions. */
export const hasPlan = (statement: string): boolean =>
  /^\s*(--[^\n]*\n\s*)*\(*\s*(select|insert|update|delete|merge|with)\b/i.test(statement);

/** How PostgreSQL would run a statement whatever its parameters are. The statement does not run. */
export async function planOf(database: Database, statement: string): Promise<string> {
  const rows = await database.read((sql) =>
    sql.unsafe<Record<string, string>[]>(`explain (generic_plan) ${statement}`),
  );
  return rows.map((row) => Object.values(row)[0]).join('\n');
}
