import type { Sql } from 'postgres';

/** What roles may do, by role and relation: `select, insert, update(name, version)`. */
export type Grants = Record<string, Record<string, string>>;

/**
 * The effective table and column privileges of roles on every table and view that migrations create. A privilege in a
 * schema that the role may not use has no effect, and is listed as `… (unreachable)`.
 */
export async function readGrants(sql: Sql, roles: readonly string[]): Promise<Grants> {
  const rows = await sql`
    with relations as (
      select c.oid, c.relnamespace, c.oid::regclass::text as name
      from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where relkind in ('r', 'v', 'm', 'p') and nspname !~ '^pg_' and nspname <> 'information_schema'
    ),
    verbs (verb, number, by_column) as (
      values ('select', 1, true), ('insert', 2, true), ('update', 3, true), ('delete', 4, false), ('truncate', 5, false),
        ('references', 6, true), ('trigger', 7, false), ('maintain', 8, false)
    ),
    granted as (
      select role, r.name, r.relnamespace, verb, number, case
        when has_table_privilege(role, r.oid, verb) then verb
        when by_column then (
          select verb || '(' || string_agg(attname, ', ' order by attnum) || ')'
          from pg_attribute
          where attrelid = r.oid and not attisdropped and has_column_privilege(role, attrelid, attnum, verb)
        )
      end as text
      from relations r, verbs, jsonb_array_elements_text(${JSON.stringify(roles)}::text::jsonb) as role
    )
    select role, name, string_agg(
      text || case when has_schema_privilege(role, relnamespace, 'usage') then '' else ' (unreachable)' end,
      ', ' order by number
    ) as may
    from granted where text is not null group by role, name order by role, name`;
  const grants: Grants = Object.fromEntries(roles.map((role) => [role, {}]));
  for (const { role, name, may } of rows) grants[role]![name] = may;
  return grants;
}
