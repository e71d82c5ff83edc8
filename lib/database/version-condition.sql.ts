import type { Fragment, Sql, TransactionSql } from 'postgres';
import type { VersionCondition } from '../contract/api/common.ts';

/** The part of a `where` clause that holds a row's `version` to a condition: `and version = …`, or nothing. */
export const atVersion = (sql: Sql | TransactionSql, { oneOf, noneOf }: VersionCondition): Fragment => sql`
  ${oneOf === undefined ? sql`` : sql`and version = any(string_to_array(${oneOf.join(',')}, ',')::integer[])`}
  ${noneOf === undefined ? sql`` : sql`and version <> all(string_to_array(${noneOf.join(',')}, ',')::integer[])`}`;
