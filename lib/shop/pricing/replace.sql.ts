import type { Fragment, ParameterOrJSON, Sql } from 'postgres';
import type { VersionCondition } from '../../contract/api/common.ts';
import { Problem } from '../../contract/api/problems.ts';
import { atVersion } from '../../database/version-condition.sql.ts';

/** What a `PUT` left behind, and whether it is new. */
export type Replaced<Row> = { added: boolean; row: Row };

/**
 * Replaces the row of a table with this code, if its version meets the condition, or adds it.
 * @param change.values the columns and their new values
 * @throws Problem version-stale
 */
export async function replaceByCode<Row>(
  sql: Sql,
  table: 'pricing.shipping_methods' | 'pricing.tax_rates' | 'pricing.coupons',
  change: { code: string; values: Record<string, ParameterOrJSON<never>>; condition: VersionCondition; at: Date },
  columns: Fragment,
): Promise<Replaced<Row>> {
  const { code, values, condition, at } = change;
  const [replaced] = await sql`
    update ${sql(table)} set ${sql({ ...values, updated_at: at })}, version = version + 1
    where code = ${code} ${atVersion(sql, condition)}
    returning ${columns}`;
  if (replaced !== undefined) return { added: false, row: replaced as Row };
  if (condition.oneOf !== undefined) throw versionStale();
  const [added] = await sql`
    insert into ${sql(table)} ${sql({ code, ...values, created_at: at, updated_at: at })}
    on conflict (code) do nothing
    returning ${columns}`;
  if (added !== undefined) return { added: true, row: added as Row };
  throw versionStale();
}

const versionStale = (): Problem =>
  new Problem('version-stale', 'It has changed since you read it. Read it again and repeat the change.');
